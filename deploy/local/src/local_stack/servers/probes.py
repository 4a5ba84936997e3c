"""Short conversations with asynchronous clients from synchronous code, whether or not an event loop runs here."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def converse(conversation: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine to its end in an event loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, conversation).result()
