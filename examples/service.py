"""A service of asyncio that leaks, and the clients that call it.

    python examples/service.py [--fixed] [REQUESTS]

It answers lines "GET /page?visitor=7" and keeps statistics: by mistake those of each address with
all that follows the "?", so that every visitor costs memory forever. With --fixed they are those of
pages. docs/tutorial.md finds the leak.
"""

import asyncio
import sys

CLIENTS = 10


class Request:
    def __init__(self, line):
        self.method, self.target = line.decode().split()
        self.visitor = self.target.partition("visitor=")[2]


class Statistics:
    """How often each page was asked for, and by whom last."""

    def __init__(self, fixed):
        self.fixed = fixed
        self.pages = {}

    def count(self, request):
        page = request.target.partition("?")[0] if self.fixed else request.target
        times = self.pages[page][0] if page in self.pages else 0
        self.pages[page] = (times + 1, request)


def render(request):
    rows = [f"<li>{request.visitor}: {number}</li>" for number in range(200)]
    return "".join(rows).encode() + b"\n"


async def answer(reader, writer, statistics):
    while line := await reader.readline():
        request = Request(line)
        statistics.count(request)
        writer.write(render(request))
        await writer.drain()
    writer.close()


async def visit(port, first, requests):
    """One client: it asks for three pages in turn, each time as another visitor."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(first, first + requests):
        writer.write(f"GET /page{number % 3}?visitor={number:08d}\n".encode())
        await reader.readline()
    writer.close()


async def main(fixed, requests):
    statistics = Statistics(fixed)
    server = await asyncio.start_server(
        lambda reader, writer: answer(reader, writer, statistics), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    each = requests // CLIENTS
    await asyncio.gather(*(visit(port, i * each, each) for i in range(CLIENTS)))
    server.close()
    print(f"{each * CLIENTS} requests, {len(statistics.pages)} pages")
    return statistics


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    kept = asyncio.run(main("--fixed" in sys.argv, (numbers + [20_000])[0]))
