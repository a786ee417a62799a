//! `depset`: sets that share their parts.
//!
//! A set of files is an [`ArtifactSet`] from the start, so that it becomes the inputs of an
//! action without being walked. A set of anything else keeps its values.

use std::fmt;
use std::hash::Hasher as _;
use std::sync::atomic::{AtomicU64, Ordering};

use kiln_diag::Diag;
use kiln_targets::{Artifact, ArtifactSet, Order};

use crate::interp::*;
use crate::values::depset_order;
use crate::values::file::{self, FileValue};

/// How deep sets may be nested within one evaluation (Bazel: `--nested_set_depth_limit`).
const DEPTH_LIMIT: u32 = 3500;

/// Freezing recurses into sets, so every so many levels a set takes over the members of its parts.
const FLAT_EVERY: u32 = 100;

/// What a set is besides its members.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// Identity: sets are equal only to themselves, frozen or not.
    id: u64,
    pub(crate) order: Order,
    /// The type of the members; `None` if there are none.
    pub(crate) element: Option<&'static str>,
    depth: u32,
}

/// A depset.
#[derive(Debug, Trace, ProvidesStaticType, NoSerialize, Allocative)]
#[repr(C)]
pub(crate) struct DepsetGen<V: ValueLifetimeless> {
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    pub(crate) head: Head,
    /// The members if they are files.
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    pub(crate) files: ArtifactSet,
    /// Own members that are no files.
    pub(crate) direct: Box<[V]>,
    /// The sets the others come from.
    pub(crate) transitive: Box<[V]>,
}

starlark_complex_value!(pub(crate) Depset);

// SAFETY: both are `repr(C)` with the same fields, and a frozen value is a value.
unsafe impl<'v> Coerce<DepsetGen<Value<'v>>> for DepsetGen<FrozenValue> {}

impl<'v> Freeze for Depset<'v> {
    type Frozen = FrozenDepset;

    fn freeze(self, freezer: &Freezer) -> FreezeResult<FrozenDepset> {
        // What is frozen costs later evaluations no depth.
        Ok(DepsetGen {
            head: Head {
                depth: 0,
                ..self.head
            },
            files: self.files,
            direct: self.direct.freeze(freezer)?,
            transitive: self.transitive.freeze(freezer)?,
        })
    }
}

fn head(order: Order, element: Option<&'static str>, depth: u32) -> Head {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Head {
        id: NEXT.fetch_add(1, Ordering::Relaxed),
        order,
        element,
        depth,
    }
}

impl<'v> Depset<'v> {
    /// A set of files.
    pub(crate) fn of_files(order: Order, files: ArtifactSet) -> Depset<'v> {
        let element = (!files.is_empty()).then_some("File");
        Depset {
            head: head(order, element, 0),
            files,
            direct: Box::default(),
            transitive: Box::default(),
        }
    }

    /// `depset(direct, order, transitive)`
    pub(crate) fn build(
        order: Order,
        direct: &[Value<'v>],
        transitive: &[Value<'v>],
    ) -> starlark::Result<Depset<'v>> {
        let mut element = None;
        for value in direct {
            check_element(&mut element, value.get_type())?;
        }
        let sets = parts(order, transitive, &mut element)?;
        if element == Some("File") {
            let direct = direct
                .iter()
                .filter_map(|value| FileValue::artifact_of(*value));
            let children = sets.iter().map(|(_, set)| set.files.clone());
            let files = ArtifactSet::new(order, direct.cloned(), children);
            return Ok(Depset::of_files(order, files));
        }
        for value in direct {
            check_immutable(*value)?;
        }
        let depth = sets.iter().map(|(_, set)| set.head.depth).max();
        let depth = depth.map_or(1, |depth| depth + 1);
        if depth > DEPTH_LIMIT {
            return fail(format!("depsets are nested more than {DEPTH_LIMIT} deep"));
        }
        let mut set = Depset {
            head: head(order, element, depth),
            files: ArtifactSet::empty(),
            direct: direct.into(),
            transitive: sets.into_iter().map(|(value, _)| value).collect(),
        };
        if depth.is_multiple_of(FLAT_EVERY) {
            // The order stays: listing leaves out what was listed before, in any case.
            set.direct = depset_order::list(&set).into();
            set.transitive = Box::default();
        }
        Ok(set)
    }

    /// All members, each once, in the set's order.
    pub(crate) fn to_list(&self, heap: Heap<'v>) -> Vec<Value<'v>> {
        if self.head.element == Some("File") {
            let files = self.files.to_list();
            return files.iter().map(|file| file::alloc(heap, file)).collect();
        }
        depset_order::list(self)
    }

    /// The members as artifacts; `None` if they are something else.
    pub(crate) fn artifacts(&self) -> Option<&ArtifactSet> {
        matches!(self.head.element, None | Some("File")).then_some(&self.files)
    }
}

/// The sets in `transitive` that have members.
fn parts<'v>(
    order: Order,
    transitive: &[Value<'v>],
    element: &mut Option<&'static str>,
) -> starlark::Result<Vec<(Value<'v>, &'v Depset<'v>)>> {
    let mut sets = Vec::with_capacity(transitive.len());
    for value in transitive {
        let Some(set) = Depset::from_value(*value) else {
            return fail(format!(
                "`transitive` of a depset takes depsets, and got `{}`",
                value.get_type()
            ));
        };
        if !compatible(order, set.head.order) {
            return fail(format!(
                "order `{}` of the new depset does not go with order `{}` of one of its parts",
                order_name(order),
                order_name(set.head.order)
            ));
        }
        if let Some(theirs) = set.head.element {
            check_element(element, theirs)?;
            sets.push((*value, set));
        }
    }
    Ok(sets)
}

fn check_element(element: &mut Option<&'static str>, found: &'static str) -> starlark::Result<()> {
    match element {
        Some(before) if *before != found => fail(format!(
            "a depset holds members of one type: it has `{before}`, and got `{found}`"
        )),
        _ => {
            *element = Some(found);
            Ok(())
        }
    }
}

/// Frozen values, and those whose parts all are, may be shared.
fn check_immutable(value: Value<'_>) -> starlark::Result<()> {
    fn immutable(value: Value<'_>, depth: u32) -> bool {
        if depth > 50 {
            return false;
        }
        if value.unpack_frozen().is_some() || value.get_hashed().is_ok() {
            return true;
        }
        let inside = |value: &Value<'_>| immutable(*value, depth + 1);
        if let Some(tuple) = TupleRef::from_value(value) {
            return tuple.content().iter().all(inside);
        }
        match crate::values::structs::Struct::from_value(value) {
            Some(of) => of.fields.values().all(inside),
            None => false,
        }
    }
    match immutable(value, 0) {
        true => Ok(()),
        false => Err(stop(
            Diag::build(format!(
                "members of a depset must not be mutable, and this is a `{}`",
                value.get_type()
            ))
            .hint("put its items in one by one, or make it a tuple or a struct of such"),
        )),
    }
}

fn compatible(mine: Order, theirs: Order) -> bool {
    mine == Order::Default || theirs == Order::Default || mine == theirs
}

/// Reads `order = "..."`.
pub(crate) fn parse_order(text: &str) -> starlark::Result<Order> {
    const NAMES: [&str; 4] = ["default", "postorder", "preorder", "topological"];
    match text {
        "default" => Ok(Order::Default),
        "postorder" => Ok(Order::Postorder),
        "preorder" => Ok(Order::Preorder),
        "topological" => Ok(Order::Topological),
        _ => Err(stop(
            Diag::build(format!("`{text}` is no order of depsets"))
                .note("orders are `default`, `postorder`, `preorder` and `topological`")
                .did_you_mean(text, NAMES),
        )),
    }
}

fn order_name(order: Order) -> &'static str {
    match order {
        Order::Default => "default",
        Order::Postorder => "postorder",
        Order::Preorder => "preorder",
        Order::Topological => "topological",
    }
}

impl<V: ValueLifetimeless> fmt::Display for DepsetGen<V> {
    /// Lists members without removing doubles: for people, and cheap.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("depset([")?;
        let mut at = 0;
        let mut item = |f: &mut fmt::Formatter<'_>, item: &dyn fmt::Display| {
            let comma = if at == 0 { "" } else { ", " };
            at += 1;
            write!(f, "{comma}{item}")
        };
        if self.head.element == Some("File") {
            for artifact in self.files.to_list() {
                item(f, &FileValue { artifact })?;
            }
        }
        for set in &self.transitive {
            item(f, set)?;
        }
        for value in &self.direct {
            item(f, value)?;
        }
        f.write_str("]")?;
        if self.head.order != Order::Default {
            write!(f, ", order = \"{}\"", order_name(self.head.order))?;
        }
        f.write_str(")")
    }
}

starlark::methods_static!(DEPSET_METHODS = depset_methods);

#[starlark_value(type = "depset")]
impl<'v, V: ValueLike<'v>> StarlarkValue<'v> for DepsetGen<V>
where
    Self: ProvidesStaticType<'v>,
{
    fn get_methods() -> Option<&'static Methods> {
        Some(DEPSET_METHODS.methods())
    }

    fn to_bool(&self) -> bool {
        self.head.element.is_some()
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(Depset::from_value(other).is_some_and(|other| self.head.id == other.head.id))
    }

    fn write_hash(&self, hasher: &mut StarlarkHasher) -> starlark::Result<()> {
        hasher.write_u64(self.head.id);
        Ok(())
    }

    fn is_in(&self, _other: Value<'v>) -> starlark::Result<bool> {
        Err(stop(
            Diag::build("`in` does not work on depsets").hint("write `x in d.to_list()`"),
        ))
    }

    fn iterate_collect(&self, _heap: Heap<'v>) -> starlark::Result<Vec<Value<'v>>> {
        Err(stop(
            Diag::build("depsets cannot be iterated over").hint("write `d.to_list()`"),
        ))
    }

    fn length(&self) -> starlark::Result<i32> {
        Err(stop(
            Diag::build("depsets have no length").hint("write `len(d.to_list())`"),
        ))
    }

    fn add(&self, _other: Value<'v>, _heap: Heap<'v>) -> Option<starlark::Result<Value<'v>>> {
        Some(Err(stop(
            Diag::build("depsets cannot be added").hint("write `depset(transitive = [a, b])`"),
        )))
    }

    fn bit_or(&self, _other: Value<'v>, _heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Err(stop(
            Diag::build("`|` does not work on depsets").hint("write `depset(transitive = [a, b])`"),
        ))
    }
}

#[starlark_module]
fn depset_methods(methods: &mut MethodsBuilder) {
    fn to_list<'v>(this: &'v Depset<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(AllocList(this.to_list(heap))))
    }
}

#[starlark_module]
pub(crate) fn globals(builder: &mut GlobalsBuilder) {
    /// Bazel: `depset(direct=None, order="default", *, transitive=None)`
    fn depset<'v>(
        #[starlark(default = NoneOr::None)] direct: NoneOr<Value<'v>>,
        #[starlark(default = "default")] order: &str,
        #[starlark(require = named, default = NoneOr::None)] transitive: NoneOr<Value<'v>>,
    ) -> starlark::Result<Depset<'v>> {
        let order = parse_order(order)?;
        let direct = items("direct", direct.into_option())?;
        let transitive = items("transitive", transitive.into_option())?;
        Depset::build(order, direct, transitive)
    }
}

fn items<'v>(name: &str, value: Option<Value<'v>>) -> starlark::Result<&'v [Value<'v>]> {
    let Some(value) = value else { return Ok(&[]) };
    let Some(items) = sequence(value) else {
        let diag = Diag::build(format!(
            "`{name}` of a depset takes a list, and got `{}`",
            value.get_type()
        ));
        return Err(stop(match Depset::from_value(value) {
            Some(_) => diag.hint("write `depset(transitive = [...])` to put sets together"),
            None => diag,
        }));
    };
    Ok(items)
}

/// The artifacts of a depset or list of files; `what` names the argument in messages.
pub(crate) fn artifacts(value: Value<'_>, what: &str) -> starlark::Result<ArtifactSet> {
    if let Some(set) = Depset::from_value(value) {
        return match set.artifacts() {
            Some(files) => Ok(files.clone()),
            None => fail(format!(
                "`{what}` takes files, and got a depset of `{}`",
                set.head.element.unwrap_or("nothing")
            )),
        };
    }
    Ok(ArtifactSet::of(file_list(value, what)?))
}

/// The artifacts of a list of files.
pub(crate) fn file_list(value: Value<'_>, what: &str) -> starlark::Result<Vec<Artifact>> {
    let Some(items) = sequence(value) else {
        return fail(format!(
            "`{what}` takes a list or depset of files, and got `{}`",
            value.get_type()
        ));
    };
    let mut files = Vec::with_capacity(items.len());
    for item in items {
        match FileValue::artifact_of(*item) {
            Some(file) => files.push(file.clone()),
            None => {
                return fail(format!(
                    "`{what}` takes files, and got `{}` ({item})",
                    item.get_type()
                ));
            }
        }
    }
    Ok(files)
}
