//! The reference lists exactly the keys that are read, with their true defaults and ranges.
