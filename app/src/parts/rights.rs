//! What whoever looks at a page may do, so that nobody is offered what the
//! server would refuse. The rule is the model's; the server asks the same one.

use super::frame::MeResource;
use leptos::prelude::*;
use model::{Permission, Rights};

/// What whoever asks may do. Called while a page is put together, awaited inside
/// of a `Suspend`: then the server's page and the browser's are the same.
pub fn asked_rights() -> impl Future<Output = Rights> {
    let me = use_context::<MeResource>();
    async move {
        let Some(me) = me else { return Rights::NONE };
        me.0.await.map_or(Rights::NONE, |me| me.rights())
    }
}

/// A part of a page for those who may do this, and nothing, or `otherwise`, for others.
#[component]
pub fn IfMay(
    /// What it takes.
    permission: Permission,
    /// What others see; it is given why they may not.
    #[prop(optional)]
    otherwise: Option<fn(&'static str) -> AnyView>,
    /// The part.
    children: ChildrenFn,
) -> impl IntoView {
    let shown = move || {
        let (rights, children) = (asked_rights(), children.clone());
        Suspend::new(async move {
            match rights.await.why_not(permission) {
                None => Some(children()),
                Some(why) => otherwise.map(|otherwise| otherwise(why)),
            }
        })
    };
    view! { <Suspense>{shown}</Suspense> }
}

/// Says why nothing can be changed here, where a form would stand.
#[must_use]
pub fn only_to_look(why: &'static str) -> AnyView {
    view! { <p class="hint only-to-look">{why}</p> }.into_any()
}
