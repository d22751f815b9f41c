//! What a hit costs beside time: nothing from the heap, nothing from a store.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use shield_guard::chain::{Access, Decision, LimitSubject, Outcome};

use crate::fixture::{Backend, Headers, NOW, PEER, forged_token, limited, request, scopes};

/// Counts the allocations of each thread; other tests run beside.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    // A thread that ends has no counter any more, and nothing here asks it.
    let _gone = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

#[expect(unsafe_code, reason = "an allocator is an unsafe trait; everything is handed on to the system's")]
// SAFETY: each call is the system allocator's, with the arguments that came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of the trait.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of the trait.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the pointer came from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn allocations_of<T>(action: impl FnOnce() -> T) -> (u64, T) {
    let before = ALLOCATIONS.get();
    let result = action();
    (ALLOCATIONS.get() - before, result)
}

/// What a thousand decisions come to: allocations, admissions, questions.
fn thousand(backend: &Backend, headers: &Headers) -> (u64, u32, u32) {
    let subjects = [("account", 5_000, LimitSubject::Account), ("route", 5_000, LimitSubject::RouteClass(1))];
    let policy = limited(Access::Optional(scopes("")), &subjects);
    let (mut admitted, mut asked) = (0, 0);
    let _warm = backend.judge(headers, &policy, NOW);
    let (allocations, ()) = allocations_of(|| {
        let request = request("POST", PEER, headers);
        for _ in 0..1_000 {
            match backend.chain.decide(&request, &policy, &backend.moment(NOW)) {
                Decision::Decided(Outcome::Admitted(_)) => admitted += 1,
                Decision::Decided(Outcome::Refused(_)) => {}
                Decision::NeedsStore(_) => asked += 1,
            }
        }
    });
    (allocations, admitted, asked)
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations_of(|| Box::new(1)).0, 1);
}

#[test]
fn a_hit_allocates_nothing_and_asks_nobody() {
    let backend = Backend::new();
    for headers in [backend.bearer(), backend.cookie(), backend.api_key(), Headers::default()] {
        assert_eq!(thousand(&backend, &headers), (0, 1_000, 0), "{headers:?}");
    }
}

#[test]
fn a_refusal_allocates_nothing_either() {
    let backend = Backend::new();
    let forged = format!("Bearer {}", forged_token(backend.session.record.id));
    for line in [
        ("authorization", forged.as_str()),
        ("authorization", "Bearer garbage"),
        ("x-api-key", "ls_live_garbage"),
        ("cookie", "__Host-session=garbage"),
    ] {
        assert_eq!(thousand(&backend, &Headers::new(&[line])), (0, 0, 0), "{line:?}");
    }
}
