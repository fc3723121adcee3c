"""A stream of datastar-py on Starlette: an asyncio queue for each client."""

import asyncio
import time

from datastar_py.starlette import DatastarResponse, ServerSentEventGenerator
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

clients, gone = set(), []


async def stream(request):
    queue = asyncio.Queue()

    async def events():
        clients.add(queue)
        try:
            yield ": open\n\n"
            while True:
                yield await queue.get()
        finally:
            clients.discard(queue)
            gone.append(time.monotonic())

    return DatastarResponse(events())


async def publish(request):
    for count in range(int(request.query_params["k"])):
        event = ServerSentEventGenerator.patch_signals({"count": count, "note": "MARK"})
        for queue in list(clients):
            queue.put_nowait(event)
    return Response(status_code=204)


async def show_gone(request):
    return PlainTextResponse(f"{len(gone)} {max(gone, default=0)}")


app = Starlette(
    routes=[Route("/stream", stream), Route("/publish", publish, methods=["POST"]), Route("/gone", show_gone)]
)
