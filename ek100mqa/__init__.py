"""EPIC-KITCHENS-100-MQA: what a question is, and where it comes from."""

__version__ = "0.1.0"
