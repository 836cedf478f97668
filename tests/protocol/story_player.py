"""Plays a story of docs/vectors/handshakes.json on the pure core alone, as a second implementation would."""

from protocol.envelope import envelope_bytes, peek, read_answer, read_question, seal
from protocol.events import Code, Heard, Offer
from protocol.identity import SigningKey
from protocol.invitation import read_code
from protocol.machine import act, hear
from protocol.proof import is_good_proof, make_proof
from protocol.records import kind_of, speak, status_of
from protocol.tables import Act
from protocol.vocabulary import Kind, Role
from tests.protocol.vector_reading import record_of, statement_of, unhexed, vectors

WITHOUT_A_CODE = {Act.APPROVE, Act.REFUSE, Act.WITHDRAW, Act.EXPIRE, Act.DECLINE, Act.CANCEL, Act.ACTIVATE,
                  Act.DEACTIVATE, Act.REMOVE, Act.FORGET}  # fmt: skip


class Player:
    """One node: `code` is what the source keeps of its living code."""

    def __init__(self, name, key, role):
        self.name, self.key, self.role = name, key, role
        self.record = self.code = None
        self.takes_announcements = True

    def is_good(self, message):
        if self.role is Role.DESTINATION or self.record is None:
            return False
        return is_good_proof(
            message.statement.proof,
            invitation_key=self.code.key.public,
            connection=message.connection,
            serial=self.record.serial,
            source_key=self.key.public,
            destination_key=message.sender,
            public_digest=self.code.public_digest,
        )


class Stage:
    """The nodes of one story, and what was said so far."""

    def __init__(self):
        first, *others = vectors("keys.json")["nodes"]
        self.players = {first["name"]: Player(first["name"], SigningKey(unhexed(first["seed"])), Role.SOURCE)}
        for node in others:
            key = SigningKey(unhexed(node["seed"]))
            self.players[node["name"]] = Player(node["name"], key, Role.DESTINATION)
        self.said = {}
        self.now = 0

    def play(self, step):
        """Do a step and compare what comes of it; the row that fired, or the act."""
        if "lost" in step:
            assert step["lost"] in self.said
            return "lost"
        player = self.players[step["node"]]
        if "setting" in step:
            player.takes_announcements = step["value"] != "off"
            return "setting"
        if "act" in step:
            self.now = step["at"]
            self._act(player, step)
        elif "asks" in step:
            self._ask(player, step)
            return step["kind"]
        else:
            self._hear(player, step)
        assert player.record == record_of(step["record"], player.role)
        assert step["record"] is None or status_of(player.record) == step["record"]["status"]
        return step.get("row") or step["act"]

    def _act(self, player, step):
        wanted, offer, code = Act(step["act"]), None, None
        if "code" in step:
            read = read_code(step["code"])
            if player.role is Role.SOURCE:
                player.code = read
                before = player.record
                offer = Offer(
                    serial=read.invitation.serial,
                    expires_at=read.invitation.expires_at,
                    addressee=before.addressee if before else unhexed(step["addressee"]),
                    ask_me=before.ask_me if before else step["ask_me"],
                )
            else:
                code = self._taken(player, read)
        else:
            assert wanted in WITHOUT_A_CODE
        player.record = act(player.role, player.record, wanted, now=self.now, offer=offer, code=code).record

    def _taken(self, player, read):
        proof = make_proof(
            read.key,
            connection=read.invitation.connection,
            serial=read.invitation.serial,
            source_key=read.invitation.source_key,
            destination_key=player.key.public,
            public_digest=read.public_digest,
        )
        return Code(serial=read.invitation.serial, expires_at=read.invitation.expires_at, proof=proof)

    def _ask(self, player, step):
        to = self.players[step["asks"]]
        message = self._written(player, to, step, speak(player.record), question=None)
        assert message.kind is kind_of(player.record)

    def _hear(self, player, step):
        sealed, question, sender = self.said[step["hears"]]
        data = envelope_bytes(sealed)
        if question is None:
            message = read_question(data, me=player.key.public)
        else:
            message = read_answer(data, me=player.key.public, question=question)
        assert message.sender == sender.key.public
        heard = Heard(
            sender=message.sender,
            statement=message.statement,
            is_answer=question is not None,
            proof_good=player.is_good(message),
            announcement_allowed=player.takes_announcements and question is None,
        )
        came = hear(player.role, player.record, heard, now=self.now)
        player.record = came.record
        assert came.row == step["row"]
        assert (came.notice.value if came.notice else None) == step["notice"]
        assert (came.answer is None) == ("answer" not in step)
        if came.answer is not None:
            answer = self._written(player, sender, step["answer"], came.answer, question=sealed)
            assert answer.kind is Kind.STATUS

    def _written(self, player, to, told, statement, *, question):
        """What is said has the statement that the record makes, and is sealed into the very same bytes."""
        sealed = peek(unhexed(told["envelope"]))
        read = read_question if question is None else lambda data, me: read_answer(data, me=me, question=question)
        message = read(unhexed(told["envelope"]), me=to.key.public)
        assert message.statement == statement_of(told["statement"])
        assert (message.statement.serial, message.statement.side) == (statement.serial, statement.side)
        assert (message.statement.echo, message.statement.proof) == (statement.echo, statement.proof)
        again = seal(
            message.statement,
            kind=message.kind,
            role=player.role,
            recipient=to.key.public,
            connection=message.connection,
            time_ms=message.time_ms,
            in_reply_to=question.message_id if question else None,
            key=player.key,
        )
        assert envelope_bytes(again).hex() == told["envelope"]
        assert again.message_id.hex() == told["id"]
        self.said[told["message"]] = (sealed, question, player)
        return message
