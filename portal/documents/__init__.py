"""Documents as PDF: what the pages show, set by typst in a process that can reach nothing."""
