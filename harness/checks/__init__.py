"""The judges: each looks at the evidence of one trial and shares no code with the engine that made it."""
