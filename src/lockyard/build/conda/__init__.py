"""Install conda packages into file trees, running nothing of theirs."""
