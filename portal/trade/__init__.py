"""The tenants' trading desk: ticket, preview, own orders, bulk ticket, blotter."""
