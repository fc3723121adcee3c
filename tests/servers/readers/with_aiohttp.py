"""Write the decoded body of a URL as it comes, by aiohttp."""

import asyncio
import sys

import aiohttp


async def main(coding: str, url: str) -> None:
    headers = {"Datastar-Request": "true", "Accept-Encoding": coding}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as response:
        response.raise_for_status()
        print(response.headers.get("Content-Encoding", "identity"), file=sys.stderr)
        async for part in response.content.iter_any():
            sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()


asyncio.run(main(*sys.argv[1:]))
