//! Publishing: the admins' half.
