"""Who answers: adapters that ask models the benchmark's questions."""
