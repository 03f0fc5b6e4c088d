"""What the end-to-end and fault suites stand on: private servers, scripted services, a plain HTTP client, the node under test."""
