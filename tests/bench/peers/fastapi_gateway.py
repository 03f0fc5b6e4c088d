"""The gateway of the tutorials: FastAPI and httpx, two services asked at once with asyncio.gather. It checks no key and no limit."""

import asyncio
import os

import fastapi
import httpx

SERVICE = f"http://127.0.0.1:{os.environ['SERVICE']}"
app = fastapi.FastAPI()
client = httpx.AsyncClient(limits=httpx.Limits(max_connections=256, max_keepalive_connections=256), timeout=10)


async def ask(path, body):
    answer = await client.post(SERVICE + path, json=body)
    answer.raise_for_status()
    return answer.json().get("results", [])


@app.post("/api/v1/aggregated")
async def aggregated(body: dict):
    query = body["query"]
    search, research = await asyncio.gather(
        ask("/api/v1/search", {"query": query, "num_results": 10}), ask("/api/v1/research", {"query": query}), return_exceptions=True)
    return {"search_results": search if isinstance(search, list) else [], "research": research if isinstance(research, list) else []}
