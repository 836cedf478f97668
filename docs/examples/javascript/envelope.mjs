// The envelope (section 6): sealing, and reading in the order of the checks.

import { DOMAIN, isSigned, sha256 } from "./keys.mjs";
import { INSTANT_LIMIT, LIFETIME_S_MAX, isBytes, isCounter } from "./code.mjs";
import { Malformed, pack, unpack } from "./msgpack.mjs";
import * as texts from "./texts.mjs";

export const CONTENT_TYPE = "application/vnd.handclasp.v1+msgpack";
export const MESSAGE_BYTES_MAX = 16_384, ANNOUNCEMENT_BYTES_MAX = 2_048;

const SAID = {
  source: { kinds: ["initiate", "status"], phases: ["pending", "awaiting", "active", "closed"] },
  destination: { kinds: ["accept", "status"], phases: ["none", "announced", "accepted", "closed"] },
};
const SWITCHED = ["awaiting", "active", "accepted"];
const REASONS = [
  "withdrawn", "expired", "refused", "declined", "cancelled", "removed", "by-partner", "restored",
  "used", "replaced", "not-for-you", "bad-proof", "unknown",
];
export const otherRole = (role) => (role === "source" ? "destination" : "source");

export class Refused extends Error {}

const refuse = (refusal) => {
  throw new Refused(refusal);
};

export function seal(said, { kind, role, recipient, connection, timeMs, inReplyTo, key }) {
  const echo = said.echo && [said.echo.revision, said.echo.phase, said.echo.enabled];
  const head = [1, kind, role, key.public, recipient, connection, timeMs, inReplyTo];
  const body = pack([
    ...head, said.serial, said.revision, said.phase, said.enabled, said.reason, echo, said.proof, said.details,
  ]);
  return { data: pack([body, key.sign(DOMAIN.message, body)]), id: sha256(body) };
}

export const readQuestion = (data, me) =>
  read(data, me, (head, body) => {
    if (head.in_reply_to !== null) refuse("kind-not-allowed");
    if (head.kind === "initiate" && body.length > ANNOUNCEMENT_BYTES_MAX) refuse("malformed");
  });

/** The sender must still be compared with the key that was asked. */
export const readAnswer = (data, me, { id, connection, role }) =>
  read(data, me, (head) => {
    if (!head.in_reply_to?.equals(id) || !head.connection.equals(connection)) refuse("not-an-answer");
    if (head.kind !== "status" || head.role === role) refuse("kind-not-allowed");
  });

function read(data, me, admit) {
  try {
    if (data.length > MESSAGE_BYTES_MAX) refuse("malformed");
    const outer = unpack(data);
    if (!Array.isArray(outer) || outer.length !== 2) refuse("malformed");
    const [body, signature] = outer;
    if (!Buffer.isBuffer(body) || !isBytes(signature, 64)) refuse("malformed");
    const fields = unpack(body);
    const head = headOf(fields);
    if (head.version !== 1) refuse("version-unsupported");
    if (head.sender.equals(me)) refuse("reflected");
    if (!head.recipient.equals(me)) refuse("not-for-me");
    if (!SAID[head.role]?.kinds.includes(head.kind)) refuse("kind-not-allowed");
    admit(head, body);
    if (!isSigned(head.sender, signature, DOMAIN.message, body)) refuse("bad-signature");
    return { ...head, id: sha256(body), statement: statementOf(fields.slice(8), head) };
  } catch (error) {
    throw error instanceof Malformed ? new Refused("malformed") : error;
  }
}

function headOf(fields) {
  if (!Array.isArray(fields) || fields.length < 8) refuse("malformed");
  const [version, kind, role, sender, recipient, connection, time_ms, in_reply_to] = fields;
  const isRight =
    Number.isInteger(version) && typeof kind === "string" && typeof role === "string" && isBytes(sender, 32) &&
    isBytes(recipient, 32) && isBytes(connection, 16) && isCounter(time_ms, 0) &&
    (in_reply_to === null || isBytes(in_reply_to, 32));
  if (!isRight) refuse("malformed");
  return { version, kind, role, sender, recipient, connection, time_ms, in_reply_to };
}

function statementOf(fields, { kind, role }) {
  const [serial, revision, phase, enabled, reason, echoed, proof, details] = fields;
  const echo = echoed && echoOf(echoed, otherRole(role));
  const isRight =
    fields.length >= 8 && isCounter(serial, 1) && isCounter(revision, 0) && SAID[role].phases.includes(phase) &&
    (kind !== "initiate" || phase === "pending") && (kind !== "accept" || phase === "accepted") &&
    (revision > 0 ? phase !== "none" : phase === "none" || phase === "closed") && typeof enabled === "boolean" &&
    (reason === null) === (phase !== "closed") && (reason === null || REASONS.includes(reason)) &&
    (!enabled || SWITCHED.includes(phase)) && (echoed === null || echo !== null) && (proof === null || isBytes(proof, 64)) &&
    (phase !== "accepted" || details !== null);
  if (!isRight) refuse("malformed");
  return { serial, revision, phase, enabled, reason, echo, proof, details: detailsOf(details, role, serial) };
}

function echoOf(echoed, role) {
  if (!Array.isArray(echoed) || echoed.length < 3) return refuse("malformed");
  const [revision, phase, enabled] = echoed;
  const isRight =
    isCounter(revision, 0) && SAID[role].phases.includes(phase) && typeof enabled === "boolean" &&
    (!enabled || SWITCHED.includes(phase));
  return isRight ? { revision, phase, enabled } : refuse("malformed");
}

const nameOf = (text, max) => (typeof text === "string" && texts.name(text, max)) || refuse("malformed");
const urlOf = (text) => (text === null ? null : (typeof text === "string" && texts.url(text)) || refuse("malformed"));

function detailsOf(details, role, serial) {
  if (details === null) return null;
  if (!Array.isArray(details)) return refuse("malformed");
  if (role === "source") {
    const [word, name, source, destination, mode, nodeUrl, expiresAt] = details;
    const isRight =
      details.length >= 7 && word === "preview" && ["basic", "visual", "script"].includes(mode) &&
      isCounter(expiresAt, 1) && expiresAt < INSTANT_LIMIT && expiresAt <= serial + LIFETIME_S_MAX;
    if (!isRight) return refuse("malformed");
    return [word, nameOf(name, 100), nameOf(source), nameOf(destination), mode, urlOf(nodeUrl), expiresAt];
  }
  const [word, nodeId, nodeName, instanceUrl, nodeUrl, name, source, destination, software] = details;
  if (details.length < 9 || word !== "details" || !isBytes(nodeId, 16)) return refuse("malformed");
  return [
    word, nodeId, nameOf(nodeName), urlOf(instanceUrl), urlOf(nodeUrl), nameOf(name, 100), nameOf(source),
    nameOf(destination), nameOf(software),
  ];
}
