//! The OneUptime dialect as an OpenAPI document: shapes, bounds, errors and examples; nothing here runs on a request.
