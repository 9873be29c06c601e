"""The plugin in a whole house, on the databases that pytest was told of."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

from proxystore import Store
from proxystore_blocklist import Blocklist, blocked_users


def question(end_user: str) -> dict[str, object]:
    """Return a chat request on behalf of *end_user*."""
    return {"model": "gpt-4o", "user": end_user, "messages": [{"role": "user", "content": "Hello?"}]}


def test_only_who_is_blocked_is_refused(proxystore_wrap, proxystore_upstream):
    async def meet():
        async with proxystore_wrap(Blocklist) as wrapped:
            await blocked_users.add(wrapped.store, "mallory", "spam")
        async with proxystore_wrap(Blocklist) as wrapped:
            answers = [await wrapped.call("/v1/chat/completions", question(user)) for user in ("alice", "mallory")]
        return [answer.status for answer in answers]

    assert asyncio.run(meet()) == [200, 403]
    assert [json.loads(seen.body)["user"] for seen in proxystore_upstream.seen] == ["alice"]


def test_a_change_is_noticed_after_a_while(proxystore_wrap, proxystore_clock):
    plugin = Blocklist(Blocklist.Settings(refresh=5.0), clock=proxystore_clock.monotonic)

    async def meet():
        async with proxystore_wrap(plugin) as wrapped:
            await blocked_users.add(wrapped.store, "mallory", "spam")
            before = await wrapped.call("/v1/chat/completions", question("mallory"))
            proxystore_clock.advance(5)
            after = await wrapped.call("/v1/chat/completions", question("mallory"))
            outcomes = [exchange.outcome for exchange in wrapped.exchanges]
        return before.status, after.status, json.loads(after.body)["error"]["code"], outcomes

    assert asyncio.run(meet()) == (200, 403, "end_user_blocked", ["complete", "refused"])


def test_who_nobody_is_named_passes(proxystore_wrap):
    async def meet():
        async with proxystore_wrap(Blocklist) as wrapped:
            answer = await wrapped.call("/v1/chat/completions", {"model": "gpt-4o", "messages": []})
            return answer.status, wrapped.hooks("blocklist")

    assert asyncio.run(meet()) == (200, ["register_migrations", "on_startup", "on_request"])


def test_the_command_line_blocks_and_lets_in_again(proxystore_url, proxystore_settings, tmp_path):
    def run(*words: str) -> str:
        command = [sys.executable, "-m", "proxystore", "--database", proxystore_url, "blocklist", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout

    run("add", "mallory", "--reason", "spam")
    assert json.loads(run("list", "--json")) == [{"end_user": "mallory", "reason": "spam"}]
    assert run("remove", "mallory") == "mallory may come in again\n"
    assert run("remove", "mallory") == "mallory was not blocked\n"

    async def read():
        async with Store(settings=proxystore_settings) as store:
            return await blocked_users.every(store)

    assert asyncio.run(read()) == []
