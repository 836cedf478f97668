// Holds this implementation to ../../vectors. Prints what differs; exit code 1 if anything does.

import { readFileSync } from "node:fs";
import { CodeError, invitationKey, isProofGood, readCode, writeCode } from "./code.mjs";
import { Refused, readAnswer, readQuestion } from "./envelope.mjs";
import { KeyPair, addressee, fromJwk, isAcceptable, thumbprint, toJwk } from "./keys.mjs";
import * as rules from "./rules.mjs";
import * as texts from "./texts.mjs";

let count = 0, differences = 0;
const vectors = (name) => JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), "utf8"));
const hex = (text) => (text === null ? null : Buffer.from(text, "hex"));
const plain = (value) =>
  JSON.stringify(value, (_name, one) => (one?.type === "Buffer" ? Buffer.from(one.data).toString("hex") : one));
const sorted = (value) =>
  value && typeof value === "object" && !Array.isArray(value)
    ? Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])])) : value;

function same(what, found, wanted) {
  count += 1;
  const [a, b] = [found, wanted].map((one) => plain(sorted(JSON.parse(plain(one) ?? "null"))));
  if (a === b) return;
  differences += 1;
  console.log(`${what}\n  found  ${a}\n  wanted ${b}`);
}

const keys = vectors("keys");
for (const node of keys.nodes) {
  const pair = new KeyPair(hex(node.seed));
  same("key", pair.public, hex(node.key));
  same("JWK", toJwk(pair.public), node.jwk);
  same("JWK read", fromJwk(node.jwk), hex(node.key));
  same("thumbprint", thumbprint(pair.public), hex(node.thumbprint));
  same("addressee", addressee(pair.public), hex(node.addressee));
}
for (const { what, key } of keys.refused_keys) same(what, isAcceptable(hex(key)), false);
const { proof } = keys;
const made = invitationKey(hex(proof.code_seed), hex(proof.connection), proof.serial);
same("invitation key", made.public, hex(proof.invitation_key));
const of = {
  key: hex(proof.invitation_key), digest: hex(proof.public_digest), connection: hex(proof.connection),
  serial: proof.serial, sourceKey: hex(proof.source_key),
};
same("proof", isProofGood(hex(proof.proof), of, hex(proof.destination_key)), true);

const { names, urls } = vectors("texts");
for (const { given, taken_as, characters_max } of names) same(`name ${given}`, texts.name(given, characters_max), taken_as);
for (const { given, taken_as } of urls) same(`URL ${given}`, texts.url(given), taken_as);

const codes = vectors("codes");
for (const { what, invitation, source_seed, code_seed, code } of codes.written) {
  const fields = { ...invitation };
  for (const field of ["connection", "source_id", "source_key", "bound"]) fields[field] = hex(fields[field]);
  same(`code written: ${what}`, writeCode(fields, new KeyPair(hex(source_seed)), hex(code_seed)).text, code);
}
for (const { what, text, outcome } of codes.read) {
  let found = "good";
  try {
    readCode(text);
  } catch (error) {
    if (!(error instanceof CodeError)) throw error;
    found = error.message;
  }
  // Which word is told of a code that can't be read is a reader's own business.
  const unreadable = ["not-a-code", "truncated", "mistyped"];
  same(`code read: ${what}`, unreadable.includes(found) ? "unreadable" : found, unreadable.includes(outcome) ? "unreadable" : outcome);
}

const envelopes = vectors("envelopes"), me = hex(envelopes.me);
const outcomeOf = (call) => {
  try {
    return { read: call(), refusal: null };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { read: null, refusal: error.message };
  }
};
const spelled = ({ details, ...said }) => said;
for (const one of envelopes.questions) {
  const { read, refusal } = outcomeOf(() => readQuestion(hex(one.envelope), me));
  same(`question: ${one.what}`, refusal, one.refusal);
  if (read && one.statement) {
    same(`question: ${one.what}`, spelled(read.statement), spelled(one.statement));
    same(`question: ${one.what}`, read.id, hex(one.id));
  }
}
const asker = hex(envelopes.asked.by), question = readQuestion(hex(envelopes.asked.envelope), me);
for (const one of envelopes.answers) {
  const { read, refusal } = outcomeOf(() => readAnswer(hex(one.envelope), asker, question));
  same(`answer: ${one.what}`, read !== null && !read.sender.equals(me) ? "other-node" : refusal, one.refusal);
}

const { heard, acted } = vectors("rules");
const recordOf = (record) => {
  if (record === null) return null;
  const { status, ...kept } = record;
  for (const field of ["partner", "addressee", "proof"]) if (field in kept) kept[field] = hex(kept[field]);
  return kept;
};
const statementOf = (said) => said && { ...said, proof: hex(said.proof), details: previewOf(said.details) };
const previewOf = (details) => (details === null || Array.isArray(details) ? details : [null, null, null, null, null, null, details.expires_at]);
for (const one of heard) {
  const event = {
    sender: hex(one.sender), isAnswer: one.is_answer, proofGood: one.proof_good, allowed: one.allowed, now: one.now,
  };
  const step = rules.hear(one.role, recordOf(one.record), statementOf(one.statement), event);
  const what = `${one.role} hears: row ${one.row}`;
  same(what, step.row, one.row);
  same(what, step.record, recordOf(one.record_after));
  same(what, step.answer && spelled(step.answer), one.answer && spelled(one.answer));
  if (one.record_after) same(what, rules.statusOf(step.record), one.record_after.status);
}
for (const one of acted) {
  const offer = one.offer && { ...one.offer, addressee: hex(one.offer.addressee) };
  const code = one.code && { ...one.code, proof: hex(one.code.proof) };
  const done = rules.act(one.role, recordOf(one.record), one.act, { now: one.now, offer, code });
  same(`${one.role} acts: ${one.act}`, done !== null, one.possible);
  if (done) same(`${one.role} acts: ${one.act}`, done.record, recordOf(one.record_after));
}

console.log(`${count} comparisons, ${differences} differences`);
process.exitCode = differences ? 1 : 0;
