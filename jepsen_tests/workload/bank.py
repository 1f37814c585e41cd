"""A bank: transactions move money between accounts, and no read sees some of it missing."""

from typing_extensions import override

from jepsen_tests.check.bank import Bank
from jepsen_tests.history import Json
from jepsen_tests.verdict import Checker
from jepsen_tests.workload import kv
from jepsen_tests.workload.checkers import REPLAY
from jepsen_tests.workload.workload import Workload
from jepsen_tests.world.kv_words import text_of
from jepsen_tests.world.ports import Refused, Unanswered
from jepsen_tests.world.recording import Answer, Session, operation
from jepsen_tests.world.trial import Trial
from raftkv.pb import rpc_pb2

PREFIX = "bank/"
ACCOUNTS = [f"{PREFIX}{number}" for number in range(5)]
BALANCE = 100
AMOUNT_MAX = 10
READ_CHANCE = 0.4
_TXN = "/etcdserverpb.KV/Txn"


class BankWorkload(Workload):
    """The total of all accounts never changes."""

    name = "bank"
    checkers: tuple[Checker, ...] = (*REPLAY, Bank())

    @override
    async def setup(self, trial: Trial) -> None:
        trial.tell("bank_total", BALANCE * len(ACCOUNTS))
        parts: list[Json] = [["w", account, str(BALANCE)] for account in ACCOUNTS]
        guards: list[kv.Guard] = [("version", account, "=", 0) for account in ACCOUNTS]
        puts: list[kv.Part] = [("w", account, str(BALANCE)) for account in ACCOUNTS]

        async def open_accounts(session: Session) -> None:
            async def carry_out() -> tuple[Answer, None]:
                request = kv.txn_request(guards, puts)
                response = await session.call(_TXN, request, rpc_pb2.TxnResponse)
                if not response.succeeded:
                    raise Refused("FAILED_PRECONDITION", "they are open")
                return Answer(result=parts, revision=response.header.revision), None

            try:
                await session.record(operation("txn", "", parts), carry_out)
            except Refused as refusal:
                if refusal.code == "UNAVAILABLE":
                    raise

        await trial.insist(open_accounts)

    @override
    async def client(self, trial: Trial, number: int) -> None:
        chance = trial.chance("client", number)

        async def step(session: Session) -> None:
            if chance.random() < READ_CHANCE:
                serializable = chance.random() < 0.3
                end = kv.end_of_prefix(PREFIX)
                await kv.get(session, PREFIX, end, serializable=serializable)
            else:
                payer, payee = chance.sample(ACCOUNTS, 2)
                await transfer(session, payer, payee, chance.randint(1, AMOUNT_MAX))

        await trial.repeat(chance, step)


async def transfer(session: Session, payer: str, payee: str, amount: int) -> None:
    """Moves money; refused where there is too little, or others came in between."""
    accounts = (payer, payee)

    async def carry_out() -> tuple[Answer, None]:
        balances, guards = await _balances(session, accounts)
        if balances[payer] < amount:
            raise Refused("FAILED_PRECONDITION", f"{payer} has {balances[payer]}")
        after = {payer: balances[payer] - amount, payee: balances[payee] + amount}
        puts: list[kv.Part] = [("w", account, str(after[account])) for account in accounts]
        done: list[Json] = [["r", account, str(balances[account])] for account in accounts]
        done += [["w", account, str(after[account])] for account in accounts]
        request = kv.txn_request(guards, puts)
        session.intend(_asked(done))
        response = await session.call(_TXN, request, rpc_pb2.TxnResponse)
        if not response.succeeded:
            raise Refused("ABORTED", "others came in between")
        return Answer(result=done, revision=response.header.revision), None

    await session.record(operation("txn", "", []), carry_out)


def _asked(done: list[Json]) -> Json:
    """The micro-operations before anything was read."""
    parts = [part for part in done if isinstance(part, list)]
    return [[verb, key, None if verb == "r" else value] for verb, key, value in parts]


async def _balances(
    session: Session, accounts: tuple[str, ...]
) -> tuple[dict[str, int], list[kv.Guard]]:
    """What accounts have, and the comparisons that hold as long as that is so."""
    request = kv.txn_request((), [("r", account, None) for account in accounts])
    try:
        response = await session.call(_TXN, request, rpc_pb2.TxnResponse)
    except Unanswered as error:
        raise Refused("UNAVAILABLE", f"nothing was read: {error}") from error
    balances: dict[str, int] = {}
    guards: list[kv.Guard] = []
    for account, kvs in zip(accounts, kv.values_read(response), strict=True):
        if not kvs:
            raise Refused("FAILED_PRECONDITION", f"{account} is not open")
        balances[account] = int(text_of(kvs[0].value))
        guards.append(("mod_revision", account, "=", kvs[0].mod_revision))
    return balances, guards
