/*
 * The handshake as a Promela model for spin, written by hand from the protocol's page and not from the code.
 *
 * `handclasp explore` searches the same worlds with the shipped machine. Both count them, and the counts must be
 * equal: then the tables that ship and this reading of the page allow the same worlds, no more and no fewer. It is
 * read and compiled as
 *
 *   spin -DCODES=1 -DACTS=4 -DRESTORES=0 -DLIARS=0 -a handshake.pml
 *   gcc -O1 -DSAFETY -DNOREDUCE -o pan pan.c && ./pan -m1000000
 *
 * What is abstracted, under the numbers of rules.py, where the reasons stand:
 *
 *   1  one connection, a source and destinations A and B; codes have numbers; who pastes a code has a good proof
 *   2  acts of admins, timers and the clock are bounded, all together; hiding is no change and costs nothing
 *   3  what a side stands for is said as soon as it stands, by the rules of outbox and resync
 *   4  what was said may be heard at any later time, any number of times, or never: loss, delay, reordering,
 *      duplicates, and crashes before the commit or between commit and answer, are all this
 *   5  a question that changes nothing is answered at once
 *   6  whether a destination takes in an announcement is open at each hearing
 *   7  RESTORES: one record may be kept aside and put back, unnoticed
 *   8  LIARS: B says whatever it likes, with and without a good proof
 *   9  no cryptography, texts, details, second source, clones, hidden rows
 *
 * How it counts the same: the state vector is the three records, the set of what was said (in order, so that one set
 * is one vector), the codes made, the clock, the acts left and the backup, and nothing else: whatever is `hidden` or
 * set back to 0 is scratch paper. There is one process with one loop, and a turn of the loop is one atomic event. So
 * "states, stored" is the number of worlds, and "stored + matched" the number of events, and one for the first world.
 *
 * The row numbers are those of the page's tables.
 */

#ifndef CODES
#define CODES 1      /* codes that the source can make; they are numbered from 1 */
#endif
#ifndef ACTS
#define ACTS 4       /* acts of admins, timers and the clock, all together */
#endif
#ifndef RESTORES
#define RESTORES 0   /* 1: one node may be put back, silently, to what it was before */
#endif
#ifndef LIARS
#define LIARS 0      /* 1: B is no node; it says whatever it likes */
#endif
#ifndef ROOM
#define ROOM 64      /* different messages in one world; an assertion tells if they are more */
#endif

/* Who. */
#define SOURCE 0
#define A 1
#define B 2
#define NOBODY 0     /* as a partner or an addressee */

/* Phases; ABSENT stands for "no record" and, on the wire, for `none`. */
#define ABSENT 0
#define PENDING 1
#define AWAITING 2
#define ACTIVE 3
#define ANNOUNCED 4
#define ACCEPTED 5
#define CLOSED 6

/* Reasons. */
#define WITHDRAWN 1
#define EXPIRED 2
#define REFUSED 3
#define DECLINED 4
#define CANCELLED 5
#define REMOVED 6
#define BY_PARTNER 7
#define RESTORED 8
#define USED 9
#define REPLACED 10
#define NOT_FOR_YOU 11
#define BAD_PROOF 12
#define UNKNOWN 13

typedef Record {
    byte serial;                                               /* 0: there is no record */
    byte revision; byte phase; bool on; byte reason;      /* mine */
    byte t_revision; byte t_phase; bool t_on; byte t_reason;  /* theirs; t_phase ABSENT: none */
    bool owed;
    byte partner; byte addressee; bool ask;                    /* the source's */
    bool proof                                                 /* a destination's */
};

Record is[3];
byte issued;         /* the newest code */
byte passed;         /* codes up to this one are past their expiry */
byte acts_left = ACTS;

/* All that was ever said, in order; each may be heard at any time, any number of times, or never. */
int said[ROOM];
byte said_count;

#if RESTORES
#define NONE_YET 0
#define KEPT 1
#define PUT_BACK 2
byte backup;         /* NONE_YET, KEPT or PUT_BACK */
byte backup_of;
Record kept;
#endif

byte who, pick;      /* whose record an event is about; which message. Both are 0 between events */
bool allowed;        /* whether the destination takes in an announcement; likewise */

/* A message is a number: questions come before answers, so that new answers never move a question. */
#define SEALED(answered, side, to_source, n, rev, ph, sw, why, e_rev, e_ph, e_on, pr) \
    (((((((((((answered) * 2 + (side) - 1) * 2 + (to_source)) * 4 + (n)) * 16 + (rev)) * 8 + (ph)) * 2 + (sw)) * 16 \
    + (why)) * 16 + (e_rev)) * 8 + (e_ph)) * 4 + (e_on) * 2 + (pr))
#define PROOF_OF(m) ((m) & 1)
#define E_ON_OF(m) (((m) >> 1) & 1)
#define E_PHASE_OF(m) (((m) >> 2) & 7)
#define E_REVISION_OF(m) (((m) >> 5) & 15)
#define REASON_OF(m) (((m) >> 9) & 15)
#define ON_OF(m) (((m) >> 13) & 1)
#define PHASE_OF(m) (((m) >> 14) & 7)
#define REVISION_OF(m) (((m) >> 17) & 15)
#define SERIAL_OF(m) (((m) >> 21) & 3)
#define TO_SOURCE(m) (((m) >> 23) & 1)
#define DESTINATION_OF(m) ((((m) >> 24) & 1) + 1)
#define IS_ANSWER(m) ((m) >> 25)
#define HEARER_OF(m) (TO_SOURCE(m) -> SOURCE : DESTINATION_OF(m))

/* Scratch: the message that is heard, the record after it, and what is answered. */
hidden int message, sealed;
hidden byte other;                                       /* the destination that it comes from or goes to */
hidden byte answer, proof, m_on, e_on;
hidden byte serial, revision, phase, reason, e_revision, e_phase;
hidden Record x;
hidden byte is_said, a_on, ae_on, a_proof;
hidden byte a_revision, a_phase, a_reason, ae_revision, ae_phase;
hidden byte place, last;
hidden byte asked;
hidden byte both;

inline copy(to, from) {
    to.serial = from.serial;
    to.revision = from.revision; to.phase = from.phase; to.on = from.on; to.reason = from.reason;
    to.t_revision = from.t_revision; to.t_phase = from.t_phase;
    to.t_on = from.t_on; to.t_reason = from.t_reason;
    to.owed = from.owed; to.partner = from.partner; to.addressee = from.addressee; to.ask = from.ask;
    to.proof = from.proof
}

#define SAME(p, q) (p.serial == q.serial && p.revision == q.revision && p.phase == q.phase \
    && p.on == q.on && p.reason == q.reason && p.t_revision == q.t_revision && p.t_phase == q.t_phase \
    && p.t_on == q.t_on && p.t_reason == q.t_reason && p.owed == q.owed && p.partner == q.partner \
    && p.addressee == q.addressee && p.ask == q.ask && p.proof == q.proof)

inline erase(r) {
    r.serial = 0; r.revision = 0; r.phase = ABSENT; r.on = 0; r.reason = 0;
    r.t_revision = 0; r.t_phase = ABSENT; r.t_on = 0; r.t_reason = 0;
    r.owed = 0; r.partner = NOBODY; r.addressee = NOBODY; r.ask = 0; r.proof = 0
}

inline put(m) {
    sealed = m;
    place = 0;
    do
    :: place < said_count && said[place] < sealed -> place++
    :: else -> break
    od;
    if
    :: place < said_count && said[place] == sealed -> skip
    :: else ->
        assert(said_count < ROOM && x.revision < 16);
        last = said_count;
        do
        :: last > place -> said[last] = said[last - 1]; last--
        :: else -> break
        od;
        said[place] = sealed;
        said_count++
    fi
}

/* The rules that both sides follow. */

inline close_mine(why) {
    x.phase = CLOSED; x.on = 0; x.reason = why; x.revision++
}

inline hold_it() {
    x.t_revision = revision; x.t_phase = phase; x.t_on = m_on; x.t_reason = reason
}

inline merge() {     /* rule 2 */
    if
    :: x.t_phase == CLOSED -> skip
    :: x.t_phase != CLOSED && (phase == CLOSED || x.t_phase == ABSENT || revision > x.t_revision) -> hold_it()
    :: else -> skip
    fi
}

inline hear_echo() { /* rule 3, while mine is not closed */
    if
    :: e_phase == ABSENT || e_revision < x.revision -> skip
    :: else ->
        if
        :: e_revision == x.revision && e_phase == x.phase && e_on == x.on -> x.owed = 0
        :: else -> x.revision = e_revision + 1; x.owed = 1
        fi
    fi
}

inline settle() {    /* rule 3, while mine is closed */
    if
    :: phase == CLOSED || e_phase == CLOSED -> x.owed = 0
    :: else -> skip
    fi
}

inline say_mine() {  /* rule 4 */
    is_said = 1;
    a_revision = x.revision; a_phase = x.phase; a_on = x.on; a_reason = x.reason;
    ae_revision = x.t_revision; ae_phase = x.t_phase; ae_on = x.t_on;
    a_proof = x.proof
}

inline say_closed(why) {
    is_said = 1;
    a_revision = 0; a_phase = CLOSED; a_on = 0; a_reason = why;
    ae_revision = 0; ae_phase = ABSENT; ae_on = 0; a_proof = 0
}

inline say_none() {
    is_said = 1;
    a_revision = 0; a_phase = ABSENT; a_on = 0; a_reason = 0;
    ae_revision = revision; ae_phase = phase; ae_on = m_on; a_proof = 0
}

/* The source's table. A proof is good when there is one: see the abstraction. */
inline source_hears() {
    if
    :: x.serial == 0 -> say_closed(UNKNOWN)                                                         /* 1 */
    :: x.serial != 0 && serial < x.serial -> say_closed(REPLACED)                                   /* 2 */
    :: x.serial != 0 && serial > x.serial -> say_closed(UNKNOWN)                                    /* 3 */
    :: else ->
        if
        :: other != x.partner && other != x.addressee && !proof -> say_closed(BAD_PROOF)            /* 3a */
        :: else ->
            if
            :: x.phase == PENDING -> source_hears_pending()
            :: x.phase == CLOSED && x.partner == NOBODY ->                                          /* 10 */
                if
                :: x.addressee != NOBODY && x.addressee != other -> say_closed(NOT_FOR_YOU)
                :: else ->
                    if
                    :: other == x.addressee -> settle()
                    :: else -> skip
                    fi;
                    say_mine()
                fi
            :: else -> source_hears_taken()
            fi
        fi
    fi
}

inline source_hears_pending() {
    if
    :: phase == ACCEPTED && passed >= x.serial ->                                                   /* 4 */
        close_mine(EXPIRED); x.owed = (x.addressee != NOBODY); say_mine()
    :: else ->
        if
        :: x.addressee != NOBODY && x.addressee != other -> say_closed(NOT_FOR_YOU)                 /* 5 */
        :: else ->
            if
            :: phase == ACCEPTED && proof ->                                                        /* 6 */
                x.partner = other; hold_it();
                x.phase = (x.ask -> AWAITING : ACTIVE);
                x.revision = (e_revision > x.revision -> e_revision : x.revision) + 1;
                x.on = 1; x.owed = 0; say_mine()
            :: phase == CLOSED ->                                                                   /* 7 */
                x.partner = other; hold_it(); close_mine(BY_PARTNER); x.owed = 0; say_mine()
            :: phase == ACCEPTED && !proof -> say_closed(BAD_PROOF)                                 /* 8 */
            :: else ->                                                                              /* 9 */
                if
                :: other == x.addressee && e_revision == x.revision && e_phase == x.phase &&
                   e_on == x.on -> x.owed = 0
                :: else -> skip
                fi;
                say_mine()
            fi
        fi
    fi
}

inline source_hears_taken() {
    if
    :: x.partner != other -> say_closed(USED)                                                       /* 11 */
    :: else ->
        if
        :: x.phase == CLOSED ->                                                                     /* 15 */
            if
            :: phase == CLOSED -> merge()
            :: else -> skip
            fi;
            settle()
        :: x.phase != CLOSED && phase == CLOSED ->                                                  /* 12 */
            merge(); close_mine(BY_PARTNER); x.owed = 0
        :: x.phase != CLOSED && phase == ACCEPTED -> merge(); hear_echo()                           /* 13 */
        :: else -> hear_echo()                                                                      /* 14 */
        fi;
        say_mine()
    fi
}

/* The destination's table. */

inline new_record(ph, why) {
    erase(x);
    x.serial = serial; x.phase = ph; x.reason = why; x.revision = 1; hold_it(); say_mine()
}

inline destination_hears() {
    if
    :: x.serial == 0 && answer -> skip                                         /* an answer that finds no record */
    :: x.serial == 0 && !answer ->
        if
        :: phase == PENDING && allowed -> new_record(ANNOUNCED, 0)                                  /* 1 */
        :: phase == PENDING && !allowed -> say_none()                                               /* 2 */
        :: phase == CLOSED && allowed -> new_record(CLOSED, BY_PARTNER)                             /* 4 */
        :: else -> say_closed(UNKNOWN)                                                              /* 3, 4 */
        fi
    :: x.serial != 0 && serial < x.serial -> say_closed(REPLACED)                                   /* 5 */
    :: x.serial != 0 && serial > x.serial ->                                                        /* 6 */
        if
        :: phase == PENDING && allowed && !answer -> new_record(ANNOUNCED, 0)
        :: phase == PENDING && (!allowed || answer) -> say_none()                                   /* 6a */
        :: phase == CLOSED -> new_record(CLOSED, BY_PARTNER)
        :: else -> new_record(CLOSED, RESTORED)
        fi
    :: else -> destination_hears_same()
    fi
}

inline destination_hears_same() {
    if
    :: x.phase == ANNOUNCED && phase == PENDING -> merge()                                          /* 7 */
    :: x.phase == ANNOUNCED && phase == CLOSED -> merge(); close_mine(BY_PARTNER)                   /* 7 */
    :: x.phase == ANNOUNCED && (phase == AWAITING || phase == ACTIVE) ->                            /* 8 */
        /* The page does not say which revision: past the echo, as in row 6, for rule 3 comes before the row. */
        merge(); x.revision = (e_revision > x.revision -> e_revision : x.revision); close_mine(RESTORED); x.owed = 1
    :: x.phase == ACCEPTED && phase != CLOSED -> merge(); hear_echo()                               /* 9 */
    :: x.phase == ACCEPTED && phase == CLOSED -> merge(); close_mine(BY_PARTNER); x.owed = 0        /* 10 */
    :: x.phase == CLOSED ->                                                                         /* 11 */
        if
        :: phase == CLOSED -> merge()
        :: else -> skip
        fi;
        settle()
    fi;
    say_mine()
}

/* Hear `message`: x becomes the record after it. */
inline hear() {
    other = DESTINATION_OF(message); answer = IS_ANSWER(message);
    serial = SERIAL_OF(message); revision = REVISION_OF(message); phase = PHASE_OF(message);
    m_on = ON_OF(message); reason = REASON_OF(message);
    e_revision = E_REVISION_OF(message); e_phase = E_PHASE_OF(message); e_on = E_ON_OF(message);
    proof = PROOF_OF(message);
    is_said = 0;
    asked = HEARER_OF(message);
    copy(x, is[asked]);
    if
    :: asked == SOURCE -> source_hears()
    :: else -> destination_hears()
    fi
}

/* What is said to a liar is of no interest. */
#define IS_HEARD(w) (LIARS == 0 || (w) != B)

inline put_answer() {
    if
    :: is_said && !answer && (asked != SOURCE || IS_HEARD(other)) ->
        put(SEALED(1, other, asked != SOURCE, serial, a_revision, a_phase, a_on, a_reason,
                   ae_revision, ae_phase, ae_on, a_proof))
    :: else -> skip
    fi
}

/* Whether it is open if the destination takes this in: its setting, its caps, its clock. */
#define IS_OPEN(m) (!TO_SOURCE(m) && !IS_ANSWER(m) && (PHASE_OF(m) == PENDING || PHASE_OF(m) == CLOSED))

/* What a side stands for is said as soon as it stands, by whoever owes it and by everyone whose partner is known
   and who is not closed (that is what a resync says again). */
inline say(w) {
    if
    :: is[w].serial != 0 && (is[w].owed || is[w].phase != CLOSED) &&
       (w != SOURCE || is[w].partner != NOBODY || (is[w].owed && is[w].addressee != NOBODY)) ->
        if
        :: w != SOURCE -> other = w
        :: w == SOURCE && is[w].partner != NOBODY -> other = is[w].partner
        :: else -> other = is[w].addressee
        fi;
        put_if_heard(w)
    :: else -> skip
    fi
}

inline put_if_heard(w) {
    if
    :: w != SOURCE || IS_HEARD(other) ->
        put(SEALED(0, other, w != SOURCE, is[w].serial, is[w].revision, is[w].phase, is[w].on, is[w].reason,
                   is[w].t_revision, is[w].t_phase, is[w].t_on, is[w].proof))
    :: else -> skip
    fi
}

/* A question that changes nothing is answered at once. */
inline answer_what_changes_nothing() {
    pick = 0;
    do
    :: pick < said_count && !IS_ANSWER(said[pick]) ->
        message = said[pick];
        both = IS_OPEN(message);
        allowed = 0;
        do
        :: true ->
            hear();
            if
            :: SAME(x, is[asked]) -> put_answer()
            :: else -> skip
            fi;
            if
            :: both && !allowed -> allowed = 1
            :: else -> break
            fi
        od;
        pick++
    :: else -> break
    od;
    pick = 0; allowed = 0
}

/* What must hold in every world that no backup was put back in. */
#define IS_ACTIVE(w) (is[w].phase == ACCEPTED && is[w].t_phase == ACTIVE)
#define IS_TAKEN (is[SOURCE].phase == AWAITING || is[SOURCE].phase == ACTIVE)
#define WAS_TAKEN_BY(w) (is[SOURCE].serial == 0 || (is[SOURCE].partner == w && is[SOURCE].serial == is[w].serial))
#define HAS_PARTED(w) (is[w].serial > is[SOURCE].serial \
    || (is[w].serial == is[SOURCE].serial && is[w].phase == CLOSED))
#define HAS_ACCEPTED(w) (is[w].serial > is[SOURCE].serial || (is[w].serial == is[SOURCE].serial && is[w].proof))

inline judge() {
#if RESTORES
    if
    :: backup == PUT_BACK -> skip
    :: else -> judge_all()
    fi
#else
    judge_all()
#endif
}

inline judge_all() {
    assert(!(IS_ACTIVE(A) && IS_ACTIVE(B)));
    assert(!IS_ACTIVE(A) || WAS_TAKEN_BY(A));
    assert(!IS_ACTIVE(B) || WAS_TAKEN_BY(B));
    if
    :: IS_TAKEN && IS_HEARD(is[SOURCE].partner) -> assert(HAS_ACCEPTED(is[SOURCE].partner))
    :: else -> skip
    fi;
    if
    :: is[SOURCE].phase == CLOSED && is[SOURCE].reason == BY_PARTNER && IS_HEARD(is[SOURCE].partner) -> assert(HAS_PARTED(is[SOURCE].partner))
    :: else -> skip
    fi
}

/* Acts. Each names whose it is; what it costs is taken off by whoever calls. */

inline begin(w) {
    who = w; copy(x, is[w])
}

inline issue(to, asks) {
    begin(SOURCE); erase(x); issued++;
    x.serial = issued; x.revision = 1; x.phase = PENDING; x.addressee = to; x.ask = asks; x.owed = (to != NOBODY)
}

inline close_pending(why) {
    begin(SOURCE); close_mine(why); x.owed = (x.addressee != NOBODY)
}

inline close_here(w, why) {
    begin(w); close_mine(why); x.owed = 1
}

inline paste(w, n, ph, why) {
    begin(w); erase(x);
    x.serial = n; x.revision = 1; x.phase = ph; x.reason = why; x.on = (ph == ACCEPTED);
    x.owed = 1; x.proof = 1
}

inline flip(w) {
    begin(w); x.on = 1 - x.on; x.revision++; x.owed = 1
}

#define REISSUABLE (is[SOURCE].phase == PENDING || (is[SOURCE].phase == CLOSED && is[SOURCE].partner == NOBODY \
    && (is[SOURCE].reason == EXPIRED || is[SOURCE].reason == RESTORED)))
#define ACCEPTING(w) (is[w].phase == ACCEPTED && (is[w].t_phase == ABSENT || is[w].t_phase == PENDING))
#define MAY_PASTE(w, n) (issued >= n && (is[w].serial == 0 || (is[w].phase == ANNOUNCED && is[w].serial <= n) \
    || ((is[w].phase == CLOSED || ACCEPTING(w)) && is[w].serial < n)))

#define PASTES(w, n) \
    :: MAY_PASTE(w, n) -> d_step { paste(w, n, ACCEPTED, 0) } \
    :: MAY_PASTE(w, n) -> d_step { paste(w, n, CLOSED, DECLINED) }

#if CODES > 1
#define PASTES_2(w) PASTES(w, 2)
#else
#define PASTES_2(w)
#endif
#if CODES > 2
#define PASTES_3(w) PASTES(w, 3)
#else
#define PASTES_3(w)
#endif

#define DESTINATION_ACTS(w) \
    PASTES(w, 1) \
    PASTES_2(w) \
    PASTES_3(w) \
    :: is[w].phase == ANNOUNCED -> d_step { close_here(w, DECLINED) } \
    :: is[w].phase == ACCEPTED && is[w].t_phase != ACTIVE -> d_step { close_here(w, CANCELLED) } \
    :: is[w].phase == ACCEPTED && is[w].t_phase == ACTIVE -> d_step { close_here(w, REMOVED) } \
    :: is[w].phase == ACCEPTED && is[w].t_phase == ACTIVE -> d_step { flip(w) } \
    :: is[w].phase == CLOSED -> d_step { begin(w) }                    /* remove: only hidden */ \
    :: is[w].phase == CLOSED -> d_step { begin(w); x.owed = 0 }        /* forget */

#if LIARS
#define OFFERS_TO_LIAR \
    :: is[SOURCE].serial == 0 && issued == 0 -> d_step { issue(B, 0) } \
    :: is[SOURCE].serial == 0 && issued == 0 -> d_step { issue(B, 1) }
#else
#define OFFERS_TO_LIAR
#endif

#define SOURCE_ACTS \
    :: is[SOURCE].serial == 0 && issued == 0 -> d_step { issue(NOBODY, 0) } \
    :: is[SOURCE].serial == 0 && issued == 0 -> d_step { issue(NOBODY, 1) } \
    :: is[SOURCE].serial == 0 && issued == 0 -> d_step { issue(A, 0) } \
    :: is[SOURCE].serial == 0 && issued == 0 -> d_step { issue(A, 1) } \
    OFFERS_TO_LIAR \
    :: REISSUABLE && issued < CODES -> d_step { issue(is[SOURCE].addressee, is[SOURCE].ask) } \
    :: is[SOURCE].phase == PENDING -> d_step { close_pending(WITHDRAWN) } \
    :: is[SOURCE].phase == PENDING && passed >= is[SOURCE].serial -> d_step { close_pending(EXPIRED) } \
    :: is[SOURCE].phase == PENDING -> d_step { close_pending(RESTORED) } \
    :: is[SOURCE].phase == AWAITING -> d_step { begin(SOURCE); x.phase = ACTIVE; x.revision++; x.owed = 1 } \
    :: is[SOURCE].phase == AWAITING -> d_step { close_here(SOURCE, REFUSED) } \
    :: is[SOURCE].phase == ACTIVE && is[SOURCE].t_phase == ACCEPTED -> d_step { flip(SOURCE) } \
    :: is[SOURCE].phase == PENDING -> d_step { close_pending(WITHDRAWN) }          /* remove, and the next three */ \
    :: is[SOURCE].phase == AWAITING -> d_step { close_here(SOURCE, REFUSED) } \
    :: is[SOURCE].phase == ACTIVE -> d_step { close_here(SOURCE, REMOVED) } \
    :: is[SOURCE].phase == CLOSED -> d_step { begin(SOURCE) } \
    :: is[SOURCE].phase == CLOSED -> d_step { begin(SOURCE); erase(x) }            /* forget */

inline take_in() {
    hear();
    if
    :: SAME(x, is[asked]) -> pick = 0; allowed = 0     /* what it answers was said before */
    :: else ->
        put_answer();
        copy(is[asked], x);
        say(asked);
        answer_what_changes_nothing();
        judge()
    fi
}

/* Five sides, and four echoes of each: true, wrong and too new. */
#define LIES 20
#define SIDE(i) ((i) / 4 % 5)
#define LIE(i, pr) SEALED(0, B, 1, 1 + (i) / LIES, \
    (SIDE(i) == 0 -> 0 : (SIDE(i) == 3 -> 3 : (SIDE(i) == 4 -> 2 : 1))), \
    (SIDE(i) == 0 -> ABSENT : (SIDE(i) == 1 -> ANNOUNCED : (SIDE(i) == 4 -> CLOSED : ACCEPTED))), \
    (SIDE(i) == 2), (SIDE(i) == 4 -> CANCELLED : 0), \
    ((i) % 4 == 0 -> 0 : ((i) % 4 == 1 -> 1 : (i) % 4 + 2)), \
    ((i) % 4 == 0 -> ABSENT : ((i) % 4 == 1 -> PENDING : ((i) % 4 == 2 -> ACTIVE : CLOSED))), \
    ((i) % 4 == 2), pr)

active proctype world() {
end:
    do
    :: atomic {                                                                    /* an act */
        acts_left > 0 ->
        if
        SOURCE_ACTS
        DESTINATION_ACTS(A)
#if !LIARS
        DESTINATION_ACTS(B)
#endif
        :: is[SOURCE].phase == PENDING && passed < is[SOURCE].serial ->            /* the code's time runs out */
            d_step { begin(SOURCE); passed = x.serial; acts_left-- }
        fi;
        d_step {
            if
            :: SAME(x, is[who]) -> skip
            :: else -> copy(is[who], x); acts_left--; say(who)
            fi;
            answer_what_changes_nothing();
            judge();
            who = 0
        }
    }
    :: atomic {                                                                    /* something is heard */
        said_count > 0 ->
        do
        :: pick + 1 < said_count -> pick++
        :: break
        od;
        if
        :: true -> allowed = 0
        :: IS_OPEN(said[pick]) -> allowed = 1
        fi;
        d_step { message = said[pick]; take_in() }
    }
#if LIARS
    :: atomic {                                                                    /* a lie without a proof */
        do
        :: pick + 1 < CODES * LIES -> pick++
        :: break
        od;
        d_step { message = LIE(pick, 0); take_in() }
    }
    :: atomic {                                                                    /* a lie with a good proof */
        issued > 0 ->
        do
        :: pick + 1 < issued * LIES -> pick++
        :: break
        od;
        d_step { message = LIE(pick, 1); take_in() }
    }
#endif
#if RESTORES
    :: d_step { backup == NONE_YET -> backup = KEPT; backup_of = SOURCE; copy(kept, is[SOURCE]) }
    :: d_step { backup == NONE_YET -> backup = KEPT; backup_of = A; copy(kept, is[A]) }
#if !LIARS
    :: d_step { backup == NONE_YET -> backup = KEPT; backup_of = B; copy(kept, is[B]) }
#endif
    :: d_step { backup == KEPT ->
        copy(is[backup_of], kept);
        say(backup_of);
        backup = PUT_BACK; backup_of = 0; erase(kept);
        answer_what_changes_nothing() }
#endif
    od
}
