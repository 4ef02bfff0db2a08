"""Query-time retrievers, one file each: `search(texts, top_k=5) -> list[list[Hit]]`, best first, ties in stored order."""
