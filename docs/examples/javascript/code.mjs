// The invitation code (section 8) and the proof (section 9).

import { createHmac } from "node:crypto";
import { DOMAIN, KeyPair, addressee, isAcceptable, isSigned, sha256 } from "./keys.mjs";
import { Malformed, pack, unpack } from "./msgpack.mjs";
import * as texts from "./texts.mjs";

const PREFIX = "handclasp_", LETTERS = "abcdefghijklmnopqrstuvwxyz234567";
export const LIFETIME_S_MAX = 2_592_000, INSTANT_LIMIT = 253_402_300_800;

export class CodeError extends Error {}

function base32(data) {
  let text = "", bits = 0, held = 0;
  for (const byte of data) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += LETTERS[(held >> (bits - 5)) & 31];
  }
  return bits ? text + LETTERS[(held << (5 - bits)) & 31] : text;
}

function fromBase32(text) {
  const data = [];
  let bits = 0, held = 0;
  for (const letter of text) {
    const value = LETTERS.indexOf(letter);
    if (value < 0) return null;
    held = ((held << 5) | value) & 0xfff;
    if ((bits += 5) >= 8) data.push((held >> (bits -= 8)) & 255);
  }
  return bits < 5 && (held & ((1 << bits) - 1)) === 0 ? Buffer.from(data) : null;
}

function crc16(data) {
  let crc = 0xffff;
  for (const byte of data) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}

const TABLE = Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});

function crc32(data) {
  let crc = 0xffffffff;
  for (const byte of data) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const u16 = (number) => Buffer.from([number >> 8, number & 255]);
const u64 = (number) => {
  const data = Buffer.alloc(8);
  data.writeBigUInt64BE(BigInt(number));
  return data;
};
const digits = (length) => Math.ceil((length * 8) / 5);

export function invitationKey(secret, connection, serial) {
  const hmac = createHmac("sha256", secret);
  return new KeyPair(hmac.update(Buffer.concat([DOMAIN.invitationKey, connection, u64(serial)])).digest());
}

const FIELDS = [
  "connection", "serial", "source_id", "source_key", "node_url", "mode", "name",
  "source_short_name", "destination_short_name", "expires_at", "bound", "versions",
];

export function writeCode(invitation, source, secret) {
  const packed = pack(FIELDS.map((field) => invitation[field]));
  const start = Buffer.concat([Buffer.from([1]), u16(5 + packed.length + 64)]);
  const head = Buffer.concat([start, u16(crc16(Buffer.concat([Buffer.from(PREFIX), start])))]);
  const key = invitationKey(secret, invitation.connection, invitation.serial);
  const open = Buffer.concat([head, packed, source.sign(DOMAIN.invitation, head, packed, key.public)]);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(Buffer.concat([open, secret])));
  return {
    text: PREFIX + base32(open) + base32(Buffer.concat([secret, crc])),
    key: key.public,
    digest: sha256(open),
  };
}

/** The newest code in a text; throws CodeError with the outcome of section 8. */
export function readCode(text) {
  try {
    return readIn(text);
  } catch (error) {
    const bare = text.replace(/<[^<>]*>/g, "");
    if (!(error instanceof CodeError) || error.message === "several-codes" || bare === text) throw error;
    return readIn(bare);
  }
}

function readIn(text) {
  const found = [], outcomes = [];
  for (const match of text.matchAll(/handclasp_/gi)) {
    try {
      found.push(readAt(text.slice(match.index + PREFIX.length).replace(/[^a-z0-9]/gi, "").toLowerCase()));
    } catch (error) {
      if (!(error instanceof CodeError)) throw error;
      outcomes.push(error.message);
    }
  }
  if (!found.length) {
    const worst = ["forged", "newer-version", "mistyped", "truncated", "not-a-code"];
    throw new CodeError(worst.find((one) => outcomes.includes(one)) ?? "not-a-code");
  }
  const newest = found.reduce((best, one) => (one.invitation.serial > best.invitation.serial ? one : best));
  const isOther = (one) =>
    !one.invitation.connection.equals(newest.invitation.connection) ||
    !one.invitation.source_key.equals(newest.invitation.source_key) ||
    (one.invitation.serial === newest.invitation.serial && !one.digest.equals(newest.digest));
  if (found.some(isOther)) throw new CodeError("several-codes");
  return newest;
}

function readAt(letters) {
  const head = fromBase32(letters.slice(0, 8));
  if (letters.length < 8 || !head || crc16(Buffer.concat([Buffer.from(PREFIX), head.subarray(0, 3)])) !== head.readUInt16BE(3)) {
    if (letters.length >= 200) throw new CodeError("mistyped");
    throw new CodeError(letters.startsWith("ae") ? "truncated" : "not-a-code");
  }
  if (head[0] > 1) throw new CodeError("newer-version");
  const length = head.readUInt16BE(1), middle = digits(length);
  if (letters.length < middle + 32) throw new CodeError("truncated");
  const open = fromBase32(letters.slice(0, middle)), end = fromBase32(letters.slice(middle, middle + 32));
  if (head[0] !== 1 || length < 5 + 64 || !open || !end) throw new CodeError("mistyped");
  const secret = end.subarray(0, 16);
  if (crc32(Buffer.concat([open, secret])) !== end.readUInt32BE(16)) throw new CodeError("mistyped");
  const packed = open.subarray(5, -64), signature = open.subarray(-64);
  try {
    return checked(open.subarray(0, 5), packed, signature, secret, sha256(open));
  } catch (error) {
    throw error instanceof Malformed ? new CodeError("forged") : error;
  }
}

function checked(head, packed, signature, secret, digest) {
  const fields = unpack(packed);
  if (!Array.isArray(fields)) throw new Malformed("no array");
  const invitation = Object.fromEntries(FIELDS.map((field, place) => [field, fields[place]]));
  const { connection, serial, source_id, source_key } = invitation;
  if (!isBytes(connection, 16) || !isCounter(serial, 1) || !isBytes(source_id, 16) || !isBytes(source_key, 32)) {
    throw new Malformed("its first fields");
  }
  const key = invitationKey(secret, connection, serial);
  if (!isAcceptable(source_key) || !isSigned(source_key, signature, DOMAIN.invitation, head, packed, key.public)) {
    throw new CodeError("forged");
  }
  const { mode, versions, expires_at, bound } = invitation;
  if (typeof mode === "string" && !["basic", "visual", "script"].includes(mode)) throw new CodeError("newer-version");
  const isRight =
    fields.length >= FIELDS.length && typeof mode === "string" && isCounter(expires_at, 1) &&
    expires_at < INSTANT_LIMIT && expires_at <= serial + LIFETIME_S_MAX && (bound === null || isBytes(bound, 16)) &&
    Array.isArray(versions) && versions.length >= 1 && versions.length <= 8 &&
    versions.every((one) => Number.isInteger(one) && one >= 1 && one <= 255);
  if (!isRight) throw new Malformed("its other fields");
  for (const [field, check] of [
    ["node_url", texts.url], ["name", (text) => texts.name(text, 100)],
    ["source_short_name", texts.name], ["destination_short_name", texts.name],
  ]) {
    invitation[field] = typeof invitation[field] === "string" ? check(invitation[field]) : null;
    if (invitation[field] === null) throw new Malformed(field);
  }
  if (!versions.includes(1)) throw new CodeError("newer-version");
  return { invitation, key, digest };
}

export const isBytes = (value, length) => Buffer.isBuffer(value) && value.length === length;
export const isCounter = (value, least) => Number.isInteger(value) && value >= least && value < 2 ** 53;
export const isForKey = (invitation, key) => invitation.bound === null || invitation.bound.equals(addressee(key));

const bound = (connection, serial, sourceKey, destinationKey, digest) =>
  [connection, u64(serial), sourceKey, destinationKey, digest];

export function makeProof({ invitation, key, digest }, destinationKey) {
  return key.sign(DOMAIN.proof, ...bound(invitation.connection, invitation.serial, invitation.source_key, destinationKey, digest));
}

export function isProofGood(proof, { key, digest, connection, serial, sourceKey }, destinationKey) {
  return proof !== null && isSigned(key, proof, DOMAIN.proof, ...bound(connection, serial, sourceKey, destinationKey, digest));
}
