"""The demonstration: fictitious client companies, the founding incident, and a few others."""
