"""How a generator is learned."""
