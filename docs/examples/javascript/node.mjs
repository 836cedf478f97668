// A node of the Handclasp protocol, version 1, without any package: source and destination.
//
//   node node.mjs --port 8300 --data DIRECTORY [--url URL] [--name NAME]
//
// Its admin types lines, and reads one line of JSON for each:
//
//   initiate NAME [DESTINATION_URL|-] [ask|-] [LIFETIME_S]   accept CODE   decline CODE   list
//   approve|refuse|withdraw|activate|deactivate|cancel|decline-announced|remove|forget CONNECTION

import { randomBytes, randomUUID } from "node:crypto";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { CodeError, isForKey, isProofGood, makeProof, readCode, writeCode } from "./code.mjs";
import { Delivery, readInfo } from "./delivery.mjs";
import { CONTENT_TYPE, Refused, otherRole, readQuestion, seal } from "./envelope.mjs";
import { reach, serve } from "./http.mjs";
import { KeyPair, addressee, fromJwk, toJwk } from "./keys.mjs";
import * as rules from "./rules.mjs";

const LIFETIME_S = 604_800, SOFTWARE = "handclasp-javascript 1";
const { values: options } = parseArgs({
  options: {
    port: { type: "string" }, data: { type: "string" }, url: { type: "string" },
    name: { type: "string", default: "JavaScript" },
  },
});
const url = options.url ?? `http://127.0.0.1:${options.port}`;
const now = () => Date.now() / 1000;

// The store: one file, replaced as a whole before anything that depends on it is said.

const FILE = join(options.data, "node.json");
const toText = (state) =>
  JSON.stringify(state, (_name, value) => (value?.type === "Buffer" ? { hex: Buffer.from(value.data).toString("hex") } : value));
const fromText = (text) =>
  JSON.parse(text, (_name, value) => (value && typeof value.hex === "string" ? Buffer.from(value.hex, "hex") : value));

mkdirSync(options.data, { recursive: true, mode: 0o700 });
const state = existsSync(FILE)
  ? fromText(readFileSync(FILE, "utf8"))
  : { seed: randomBytes(32), node_id: randomUUID(), connections: {} };

function commit() {
  const file = openSync(`${FILE}.new`, "w", 0o600);
  writeSync(file, toText(state));
  fsyncSync(file);
  closeSync(file);
  renameSync(`${FILE}.new`, FILE);
  const folder = openSync(options.data, "r");
  fsyncSync(folder);
  closeSync(folder);
}

commit();
const key = new KeyPair(state.seed), me = key.public, nodeId = Buffer.from(state.node_id.replaceAll("-", ""), "hex");

// A connection is found by its id and the source's key. `partner_url` is where the partner said it is.

const nameOf = (connection, sourceKey) => `${connection.toString("hex")}:${sourceKey.toString("hex")}`;
const roleOf = (held) => (held.source_key.equals(me) ? "source" : "destination");
const recipientOf = (held) => (roleOf(held) === "source" ? held.record.partner ?? held.record.addressee : held.source_key);

function store(held, record) {
  const name = nameOf(held.connection, held.source_key);
  if (record === null) delete state.connections[name];
  else state.connections[name] = { ...held, record };
  commit();
  return state.connections[name] ?? null;
}

/** What a statement from the partner, question or answer, does here; the answer leaves after the commit. */
function takeIn(message, isAnswer) {
  const role = otherRole(message.role), sourceKey = role === "source" ? me : message.sender;
  let held = state.connections[nameOf(message.connection, sourceKey)] ?? null;
  const said = message.statement;
  const proofGood =
    role === "source" && held !== null &&
    isProofGood(said.proof, { ...held.code, connection: held.connection, serial: held.record.serial, sourceKey: me }, message.sender);
  const event = { sender: message.sender, isAnswer, proofGood, allowed: false, now: now() };
  const step = rules.hear(role, held?.record ?? null, said, event);
  if (held !== null && step.record !== held.record) {
    const hasDetails = role === "source" && ["6", "13"].includes(step.row) && said.phase === "accepted";
    held = store(hasDetails ? { ...held, partner_url: said.details[4] } : held, step.record);
  }
  return step.answer && withDetails(step.answer, held);
}

function withDetails(said, held) {
  if (held === null || said.phase !== "accepted") return said;
  const { name, source_short_name, destination_short_name } = held.names;
  return {
    ...said,
    details: ["details", nodeId, options.name, null, url, name, source_short_name, destination_short_name, SOFTWARE],
  };
}

function questionOf(held) {
  const { record, names } = held;
  const preview = ["preview", names.name, names.source_short_name, names.destination_short_name, "script", url, record.expires_at];
  const said = rules.speak(record);
  return seal(record.mine.phase === "pending" ? { ...said, details: preview } : withDetails(said, held), {
    kind: rules.kindOf(record), role: roleOf(held), recipient: recipientOf(held), connection: held.connection,
    timeMs: Date.now(), inReplyTo: null, key,
  });
}

const delivery = new Delivery({
  me, own: reachOf(url), takeIn, questionOf, recipientOf, roleOf,
  held: (name) => state.connections[name] ?? null,
  names: () => Object.keys(state.connections),
});

function reachOf(text) {
  const host = new URL(text).hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" ? 0 : /^[\d.]+$|:/.test(host) ? reach(host) : 2;
}

// What partners reach

const boot = randomBytes(16).toString("hex");
const info = () =>
  JSON.stringify({
    kind: "servicenow", protocol_versions: [1], software: SOFTWARE, node_id: state.node_id, name: options.name,
    instance_url: url, node_url: url, key: toJwk(me), modes: ["script"], takes_invitations: true,
    not_taking_reason: null, boot,
  });

function hearQuestion(data) {
  let message;
  try {
    message = readQuestion(data, me);
  } catch (error) {
    if (error instanceof Refused) return { status: 400, body: `${error.message}\n`, type: "text/plain" };
    throw error;
  }
  const answer = seal(takeIn(message, false), {
    kind: "status", role: otherRole(message.role), recipient: message.sender, connection: message.connection,
    timeMs: Date.now(), inReplyTo: message.id, key,
  });
  delivery.heardFrom(message.sender);
  return { status: 200, body: answer.data, type: CONTENT_TYPE };
}

// What the admin does

class NotPossible extends Error {}

function acted(held, role, wanted, event) {
  const done = rules.act(role, held.record, wanted, { now: now(), ...event });
  if (done === null) throw new NotPossible("not possible now");
  const after = store(held, done.record);
  if (after !== null) delivery.wake(nameOf(held.connection, held.source_key));
  return shown(after);
}

const shown = (held) =>
  held && {
    connection: held.connection.toString("hex"), role: roleOf(held), status: rules.statusOf(held.record),
    reason: held.record.mine.reason, owed: held.record.owed,
  };

async function initiate(name, destination = "-", ask = "-", lifetime = String(LIFETIME_S)) {
  const found = destination === "-" ? null : await readInfo(destination, reachOf(url));
  if (found && !(found.takes_invitations && found.modes.includes("script"))) throw new NotPossible("it takes no invitations");
  const theirs = found && fromJwk(found.key);
  const serial = Math.floor(now()), secret = randomBytes(16), connection = randomBytes(16);
  const names = { name, source_short_name: options.name, destination_short_name: found?.name ?? "partner" };
  const invitation = {
    connection, serial, source_id: nodeId, source_key: me, node_url: url, mode: "script", ...names,
    expires_at: serial + Number(lifetime), bound: theirs && addressee(theirs), versions: [1],
  };
  const code = writeCode(invitation, key, secret);
  const held = {
    connection, source_key: me, names, partner_url: found?.node_url ?? null, record: null,
    code: { key: code.key, digest: code.digest },
  };
  const offer = { serial, expires_at: invitation.expires_at, addressee: theirs, ask_me: ask === "ask" };
  return { ...acted(held, "source", "initiate", { offer }), code: code.text };
}

function paste(wanted, text) {
  const code = readCode(text);
  const { invitation } = code;
  if (invitation.source_key.equals(me)) throw new CodeError("own");
  if (!isForKey(invitation, me)) throw new CodeError("not-for-you");
  const { connection, source_key, serial, expires_at, node_url, name, source_short_name, destination_short_name } = invitation;
  const known = state.connections[nameOf(connection, source_key)];
  const held = {
    connection, source_key, code: null, record: known?.record ?? null, partner_url: node_url,
    names: { name, source_short_name, destination_short_name },
  };
  if (known?.record.serial > serial) throw new CodeError("replaced");
  if (known?.record.serial === serial && known.record.mine.phase !== "announced") throw new CodeError("already-accepted-here");
  return acted(held, "destination", wanted, { code: { serial, expires_at, proof: makeProof(code, me) } });
}

function onConnection(wanted, id) {
  const held = Object.values(state.connections).find((one) => one.connection.toString("hex") === id);
  if (!held) throw new NotPossible("there is no such connection");
  return acted(held, roleOf(held), wanted, {});
}

function command(line) {
  const [word, ...rest] = line.trim().split(/\s+/);
  if (word === "initiate") return initiate(...rest);
  if (word === "accept") return paste("accept", rest.join(" "));
  if (word === "decline") return paste("decline-code", rest.join(" "));
  if (word === "list") return Object.values(state.connections).map(shown);
  return onConnection(word === "decline-announced" ? "decline" : word, rest[0]);
}

async function obey(line) {
  try {
    console.log(JSON.stringify(await command(line)));
  } catch (error) {
    console.log(JSON.stringify({ refused: error.message }));
  }
}

const server = serve(new URL(url).pathname.replace(/\/$/, ""), info, hearQuestion);
server.listen(Number(options.port), "127.0.0.1", () => {
  console.log(JSON.stringify({ url }));
  delivery.resync();
  const lines = createInterface({ input: process.stdin });
  lines.on("line", obey);
  lines.on("close", () => process.exit(0));
});
