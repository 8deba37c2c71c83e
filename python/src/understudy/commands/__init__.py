"""The subcommands of `understudy`, a module each."""
