#!/usr/bin/env python3
"""The clients of Triton and KServe get the answers and errors that client_checks.py lists.

`clients.py tritonclient|kserve [NAME...]`: both define the messages of the protocol, so one process cannot have both. With
names, only the checks whose names contain one of these texts run, and no counts are expected.
"""

import asyncio
import sys
from contextlib import ExitStack
from pathlib import Path

from client_checks import CHECKS
from report import Report
from server import Server

MODELS = Path(__file__).parents[1] / "models"

# (checks that hold, checks that the client cannot do). A check that is not there any more is an error, too.
EXPECTED = {
    "tritonclient.http": (70, 0),
    "tritonclient.http.aio": (70, 0),
    "tritonclient.grpc": (56, 14),
    "tritonclient.grpc.aio": (56, 14),
    "kserve.InferenceRESTClient": (51, 19),
    "kserve.InferenceGRPCClient": (56, 14),
}


def tritonclient():
    import tritonclient.grpc
    import tritonclient.grpc.aio
    import tritonclient.http
    import tritonclient.http.aio

    from adapters.triton_grpc import TritonGrpc
    from adapters.triton_http import TritonHttp

    return [
        TritonHttp(tritonclient.http), TritonHttp(tritonclient.http.aio),
        TritonGrpc(tritonclient.grpc), TritonGrpc(tritonclient.grpc.aio),
    ]


def kserve():
    from adapters.kserve_grpc import KserveGrpc
    from adapters.kserve_rest import KserveRest

    return [KserveRest(), KserveGrpc()]


def main(package, only):
    report = Report()
    clients = {"tritonclient": tritonclient, "kserve": kserve}[package]()
    with ExitStack() as ends:
        checks = [check for check in CHECKS if not only or any(text in check.name for text in only)]
        models = {check.model for check in checks}
        servers = {model: ends.enter_context(Server((MODELS / model).read_bytes())) for model in sorted(models)}
        for client in clients:
            asyncio.run(all_checks(report, client, checks, servers))
    expected = {}
    for client in clients:
        holds, cannot = EXPECTED[client.name]
        expected |= {f"checks hold for {client.name}": holds, f"checks {client.name} cannot do": cannot}
    report.end(dict(report.counts) if only else {what: count for what, count in expected.items() if count})


async def all_checks(report, client, checks, servers):
    """Runs every check that the client can do. Each has a client of its own."""
    tags = {tag for check in CHECKS for tag in check.tags}
    assert client.cannot.keys() <= tags, f"no check has one of {sorted(client.cannot.keys() - tags)}"
    for check in checks:
        if reasons := [client.cannot[tag] for tag in check.tags if tag in client.cannot]:
            report.count(f"checks {client.name} cannot do")
            print(f"cannot  {client.name}: {check.name}: {reasons[0]}", flush=True)
            continue
        await client.open(servers[check.model].address)
        try:
            await check.run(client)
            report.count(f"checks hold for {client.name}")
        except Exception as error:  # A client has errors of its own. One check must not end the run.
            report.failed(f"{client.name}: {check.name}", f"{type(error).__name__}: {error}")
        finally:
            await client.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
