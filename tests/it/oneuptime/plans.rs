//! Which index each request for rows walks, and how many rows it looks at.
