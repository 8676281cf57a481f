"""The tools the agent may call."""
