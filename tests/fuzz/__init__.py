"""Every parser is fed what strangers could print or write: mangled real outputs, and sentences of its own grammar."""
