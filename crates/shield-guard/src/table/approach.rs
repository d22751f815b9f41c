//! Asks memory for what will be read soon.

/// Asks memory for the cache line in which `value` begins, without waiting for it: what the processor does next goes on
/// meanwhile, however long it is. A load instead would hold up everything behind it, once as many instructions as the
/// processor looks ahead have passed. Nothing where there is no such instruction: the look itself brings the line.
#[inline]
pub(crate) fn approach<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    safe_arch::prefetch_t0(value);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
