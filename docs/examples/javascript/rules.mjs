// What a statement and an act do to a record (sections 10 to 12). Functions of (record, event, now), nothing else.
//
// A record is { serial, mine, theirs, owed, expires_at, hidden } and of a source { partner, addressee, ask_me }, of a
// destination { proof }. A side is { revision, phase, enabled, reason }.

const JUMP_LIMIT = 2 ** 53 - 2 ** 32, COUNTER_LIMIT = 2 ** 53;
const AHEAD_S_MAX = 2_592_000 + 86_400, LIFETIME_S_MAX = 2_592_000;

const side = (revision, phase, enabled = false, reason = null) => ({ revision, phase, enabled, reason });
const sideOf = ({ revision, phase, enabled, reason }) => ({ revision, phase, enabled, reason });
const echoOf = (one) => one && { revision: one.revision, phase: one.phase, enabled: one.enabled };
const isSame = (a, b) => a !== null && a.revision === b.revision && a.phase === b.phase && a.enabled === b.enabled;
const equals = (a, b) => a !== null && b !== null && a.equals(b);

export const speak = (record) => ({
  serial: record.serial, ...record.mine, echo: echoOf(record.theirs), proof: record.proof ?? null, details: null,
});

export function kindOf({ mine, theirs }) {
  if (mine.phase === "pending") return "initiate";
  return mine.phase === "accepted" && !["active", "closed"].includes(theirs?.phase) ? "accept" : "status";
}

export function statusOf({ mine, theirs }) {
  if (["closed", "pending"].includes(mine.phase)) return mine.phase;
  if (mine.phase === "announced") return "invited";
  if (mine.phase === "accepted" && (!theirs || theirs.phase === "pending")) return "accepting";
  if (mine.phase === "awaiting" || (mine.phase === "accepted" && theirs.phase === "awaiting")) return "awaiting-approval";
  if (mine.enabled) return theirs.enabled ? "active" : "deactivated-there";
  return theirs.enabled ? "deactivated-here" : "deactivated-both";
}

// The words of the effects

const merged = (theirs, said) => {
  if (!theirs) return sideOf(said);
  if (theirs.phase === "closed") return theirs;
  return said.phase === "closed" || said.revision > theirs.revision ? sideOf(said) : theirs;
};
const merge = (record, said) => ({ ...record, theirs: merged(record.theirs, said) });
const close = (record, reason, owed) => ({ ...record, mine: side(record.mine.revision + 1, "closed", false, reason), owed });
const closeByPartner = (record, said) => close(merge(record, said), "by-partner", false);
const settle = (record, said) =>
  said.phase === "closed" || said.echo?.phase === "closed" ? { ...record, owed: false } : record;
const settleClosed = (record, said) => settle(said.phase === "closed" ? merge(record, said) : record, said);
const pastEcho = (record, { echo }) =>
  Math.max(record.mine.revision, echo && echo.revision < JUMP_LIMIT ? echo.revision : 0) + 1;

function compareEcho(record, { echo }) {
  const { mine } = record;
  if (!echo || echo.revision < mine.revision) return record;
  if (isSame(echo, mine)) return { ...record, owed: false };
  return echo.revision >= JUMP_LIMIT ? record : { ...record, mine: { ...mine, revision: echo.revision + 1 }, owed: true };
}

const computed = (reason) => (said) => ({
  serial: said.serial, ...side(0, "closed", false, reason), echo: null, proof: null, details: null,
});
const none = (said) => ({ serial: said.serial, ...side(0, "none"), echo: echoOf(said), proof: null, details: null });
const mine = (_said, record) => speak(record);
const silence = () => null;
const [unknown, replaced, badProof, notForYou, used] =
  ["unknown", "replaced", "bad-proof", "not-for-you", "used"].map(computed);
const stay = (record) => record;

// The tables: number, my states, serials, phases said, condition, effect, answer. null: any.

const NONE = "no record", TAKEN = ["awaiting", "active"], HELD = ["awaiting", "active", "closed"];

const take = (record, said, { sender }) => ({
  ...record, partner: sender, theirs: sideOf(said), owed: false,
  mine: side(pastEcho(record, said), record.ask_me ? "awaiting" : "active", true),
});
const takeClosed = (record, said, { sender }) => close({ ...record, partner: sender, theirs: sideOf(said) }, "by-partner", false);

const SOURCE_HEARS = [
  ["0", [NONE], null, null, (_r, _s, e) => e.isAnswer, stay, silence],
  ["1", [NONE], null, null, null, stay, unknown],
  ["2", null, ["older"], null, null, stay, replaced],
  ["3", null, ["newer"], null, null, stay, unknown],
  ["3a", null, ["same"], null, (r, _s, e) => !equals(e.sender, r.partner) && !equals(e.sender, r.addressee) && !e.proofGood, stay, badProof],
  ["4", ["pending"], ["same"], ["accepted"], (r, _s, e) => e.now >= r.expires_at, (r) => close(r, "expired", r.addressee !== null), mine],
  ["5", ["pending"], ["same"], null, (r, _s, e) => isForOther(r, e), stay, notForYou],
  ["6", ["pending"], ["same"], ["accepted"], (_r, _s, e) => e.proofGood, take, mine],
  ["7", ["pending"], ["same"], ["closed"], (r, _s, e) => e.proofGood || equals(e.sender, r.addressee), takeClosed, mine],
  ["8", ["pending"], ["same"], ["accepted"], null, stay, badProof],
  ["9", ["pending"], ["same"], ["announced", "none"], null,
    (r, s, e) => (equals(e.sender, r.addressee) && isSame(s.echo, r.mine) ? { ...r, owed: false } : r), mine],
  ["10a", ["closed"], ["same"], null, (r, _s, e) => !r.partner && isForOther(r, e), stay, notForYou],
  ["10", ["closed"], ["same"], null, (r) => !r.partner, (r, s, e) => (equals(e.sender, r.addressee) ? settle(r, s) : r), mine],
  ["11", HELD, ["same"], null, (r, _s, e) => !equals(e.sender, r.partner) && e.proofGood, stay, used],
  ["11a", HELD, ["same"], null, (r, _s, e) => !equals(e.sender, r.partner), stay, used],
  ["12", TAKEN, ["same"], ["closed"], null, closeByPartner, mine],
  ["13", TAKEN, ["same"], ["accepted"], null, (r, s) => compareEcho(merge(r, s), s), mine],
  ["14", TAKEN, ["same"], ["announced", "none"], null, compareEcho, mine],
  ["15", ["closed"], ["same"], null, null, settleClosed, mine],
];
const isForOther = (record, { sender }) => record.addressee !== null && !record.addressee.equals(sender);

const heardOf = (said, own, expiresAt, hidden = false) => ({
  serial: said.serial, mine: own, theirs: sideOf(said), owed: false, proof: null, expires_at: expiresAt, hidden,
});
const announce = (_record, said) => heardOf(said, side(1, "announced"), said.details[6]);
const entomb = (reason) => (record, said) =>
  heardOf(said, side(1, "closed", false, reason), said.serial + LIFETIME_S_MAX, record === null || record.hidden);
const isUnderCaps = (_r, _s, e) => !e.isAnswer && e.allowed;
const isAnnounceable = (r, s, e) =>
  isUnderCaps(r, s, e) && s.details !== null && e.now < s.details[6] && s.details[6] <= e.now + AHEAD_S_MAX;

const DESTINATION_HEARS = [
  ["0", [NONE], null, null, (_r, _s, e) => e.isAnswer, stay, silence],
  ["1", [NONE], null, ["pending"], isAnnounceable, announce, mine],
  ["2", [NONE], null, ["pending"], null, stay, none],
  ["3", [NONE], null, TAKEN, null, stay, unknown],
  ["4", [NONE], null, ["closed"], isUnderCaps, entomb("by-partner"), mine],
  ["4a", [NONE], null, ["closed"], null, stay, unknown],
  ["5", null, ["older"], null, null, stay, replaced],
  ["6", null, ["newer"], ["pending"], isAnnounceable, announce, mine],
  ["6a", null, ["newer"], ["pending"], null, stay, none],
  ["6b", null, ["newer"], ["closed"], null, entomb("by-partner"), mine],
  ["6c", null, ["newer"], TAKEN, null, entomb("restored"), mine],
  ["7", ["announced"], ["same"], ["pending"], null, merge, mine],
  ["7a", ["announced"], ["same"], ["closed"], null, closeByPartner, mine],
  ["8", ["announced"], ["same"], TAKEN, null,
    (r, s) => ({ ...merge(r, s), mine: side(pastEcho(r, s), "closed", false, "restored"), owed: true }), mine],
  ["9", ["accepted"], ["same"], ["pending", ...TAKEN], null, (r, s) => compareEcho(merge(r, s), s), mine],
  ["10", ["accepted"], ["same"], ["closed"], null, closeByPartner, mine],
  ["11", ["closed"], ["same"], null, null, settleClosed, mine],
];

const relation = (serial, record) =>
  record === null || serial === record.serial ? "same" : serial < record.serial ? "older" : "newer";
const fits = (wanted, value) => wanted === null || wanted.includes(value);

/** event: { sender, isAnswer, proofGood, allowed, now }. The row that fires, the record after it, and the answer. */
export function hear(role, record, said, event) {
  const state = record ? record.mine.phase : NONE;
  const table = role === "source" ? SOURCE_HEARS : DESTINATION_HEARS;
  const serial = relation(said.serial, record);
  const row = table.find(
    ([, states, serials, phases, when]) =>
      fits(states, state) && fits(serials, serial) && fits(phases, said.phase) && (!when || when(record, said, event)),
  );
  const after = row[5](record, said, event);
  return { row: row[0], record: after, answer: event.isAnswer ? null : row[6](said, after) };
}

// What admins and timers do: act, my states, the code's serial, condition, effect.

const owed = (record) => record.addressee !== null;
const offered = (_r, { offer }) => ({
  serial: offer.serial, mine: side(1, "pending"), theirs: null, partner: null, owed: offer.addressee !== null,
  addressee: offer.addressee, ask_me: offer.ask_me, expires_at: offer.expires_at, hidden: false,
});
const switched = (on) => (record) => {
  const next = record.mine.revision + 1;
  if (record.mine.enabled === on || next >= COUNTER_LIMIT) return record;
  return { ...record, mine: { ...record.mine, revision: next, enabled: on }, owed: true };
};
const ended = (reason) => (record) => close(record, reason, true);
const hide = (record) => ({ ...record, hidden: true });
const isOut = (r, { now }) => now >= r.expires_at;

const SOURCE_ACTS = [
  ["initiate", [NONE], null, null, offered],
  ["new-code", ["pending"], null, null, offered],
  ["new-code", ["closed"], null, (r) => !r.partner && ["expired", "restored"].includes(r.mine.reason), offered],
  ["withdraw", ["pending"], null, null, (r) => close(r, "withdrawn", owed(r))],
  ["expire", ["pending"], null, isOut, (r) => close(r, "expired", owed(r))],
  ["restore", ["pending"], null, null, (r) => close(r, "restored", owed(r))],
  ["approve", ["awaiting"], null, null, (r) => ({ ...r, mine: side(r.mine.revision + 1, "active", r.mine.enabled), owed: true })],
  ["refuse", ["awaiting"], null, null, ended("refused")],
  ["activate", ["active"], null, (r) => r.theirs?.phase === "accepted", switched(true)],
  ["deactivate", ["active"], null, (r) => r.theirs?.phase === "accepted", switched(false)],
  ["remove", ["pending"], null, null, (r) => close(r, "withdrawn", owed(r))],
  ["remove", ["awaiting"], null, null, ended("refused")],
  ["remove", ["active"], null, null, ended("removed")],
  ["remove", ["closed"], null, (r) => !r.hidden, hide],
  ["forget", ["closed"], null, null, () => null],
];

const pasted = (own) => (_r, { code }) => ({
  serial: code.serial, mine: own, theirs: null, owed: true, proof: code.proof, expires_at: code.expires_at, hidden: false,
});
const accept = pasted(side(1, "accepted", true)), declineCode = pasted(side(1, "closed", false, "declined"));
const isAccepting = (r) => !r.theirs || r.theirs.phase === "pending";
const isActive = (r) => r.theirs?.phase === "active";

const DESTINATION_ACTS = [
  ...[["accept", accept], ["decline-code", declineCode]].flatMap(([act, effect]) => [
    [act, [NONE], null, null, effect],
    [act, ["announced"], ["same", "newer"], null, effect],
    [act, ["closed"], ["newer"], null, effect],
    [act, ["accepted"], ["newer"], isAccepting, effect],
  ]),
  ["decline", ["announced"], null, null, ended("declined")],
  ["cancel", ["accepted"], null, (r) => !isActive(r), ended("cancelled")],
  ["activate", ["accepted"], null, isActive, switched(true)],
  ["deactivate", ["accepted"], null, isActive, switched(false)],
  ["remove", ["accepted"], null, isActive, ended("removed")],
  ["remove", ["closed"], null, (r) => !r.hidden, hide],
  ["forget", ["closed"], null, null, (r) => ({ ...r, owed: false })],
];

/** event: { now, offer, code }. { record } after the act, or null: it is not possible now. */
export function act(role, record, wanted, event) {
  const state = record ? record.mine.phase : NONE;
  const serial = event.code ? relation(event.code.serial, record) : "same";
  const row = (role === "source" ? SOURCE_ACTS : DESTINATION_ACTS).find(
    ([name, states, serials, when]) =>
      name === wanted && fits(states, state) && fits(serials, serial) && (!when || when(record, event)),
  );
  return row ? { record: row[4](record, event) } : null;
}
