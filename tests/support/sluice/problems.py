"""Judging the gateway's own answers (RFC 9457)."""

REQUIRED = {"type", "title", "status", "detail", "error", "request_id"}
OPTIONAL = {"instance", "service", "part", "retry_after", "remaining", "violated_policies"}


def assert_problem(answer, status, error=None):
    """An answer of the gateway's own with everything that belongs to it; returns its members."""
    assert answer.status == status, answer
    assert answer["content-type"] == "application/problem+json", answer
    problem = answer.json()
    assert REQUIRED <= set(problem) <= REQUIRED | OPTIONAL, problem
    assert problem["status"] == status
    assert problem["request_id"] == answer["x-request-id"]
    assert all(isinstance(problem[name], str) and problem[name] for name in REQUIRED - {"status"}), problem
    if "retry_after" in problem:
        assert answer["retry-after"] == str(problem["retry_after"])
        assert problem["retry_after"] >= 1
    assert "instance" in problem or status in (400, 408, 413, 414, 417, 431, 501, 503, 505)  # no path could be made of it
    if error is not None:
        assert problem["error"] == error
    assert float(answer["x-response-time"]) >= 0
    return problem
