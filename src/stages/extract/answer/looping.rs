//! Answers in a loop: a model that says the same item again and again until its room is used up. More room brings more of the same.

use serde_json::Value;

/// Equal items at the end of a broken-off answer that make it a loop.
const EQUAL: usize = 3;

/// The distinct items of a broken-off answer whose end is the same again and again, in order; none if it is no loop.
pub(super) fn without_loop(items: &[Value]) -> Option<Vec<Value>> {
    let (last, before) = items.split_last()?;
    let equal = before.iter().rev().take_while(|item| same(item, last)).count() + 1;
    if equal < EQUAL {
        return None;
    }
    let mut distinct: Vec<Value> = Vec::new();
    for item in items {
        if !distinct.iter().any(|known| same(known, item)) {
            distinct.push(item.clone());
        }
    }
    Some(distinct)
}

/// Test whether two items are equal, or speak of the same term.
fn same(one: &Value, other: &Value) -> bool {
    let name = |item: &Value| ["term", "text"].iter().find_map(|field| item[field].as_str().map(str::to_lowercase));
    one == other || name(one).is_some_and(|one| name(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn three_equal_items_at_the_end_are_a_loop_and_its_distinct_items_are_kept() {
        let item = |term: &str, n: u32| json!({"term": term, "definition": format!("It is {n}.")});
        let (grip, nerve, debt) = (item("Grip", 1), item("Nerve", 2), item("Debt", 3));
        let of = |items: &[&Value]| without_loop(&items.iter().map(|i| (*i).clone()).collect::<Vec<_>>());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[&grip, &debt, &debt]), None, "twice is no loop");
        assert_eq!(of(&[&debt, &debt, &debt, &grip]), None, "it went on");
        let kept = vec![grip.clone(), nerve.clone(), debt.clone()];
        assert_eq!(of(&[&grip, &nerve, &debt, &debt, &debt]), Some(kept.clone()));
        assert_eq!(of(&[&grip, &nerve, &debt, &item("debt", 4), &item("Debt", 5)]), Some(kept), "the same term");
    }
}
