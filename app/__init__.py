"""The phone: what an inspector records, keeps and sends."""
