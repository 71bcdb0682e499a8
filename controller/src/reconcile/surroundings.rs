//! What follows from the switch's database, the settings and the ports of the site that are plugged in here. Most events change
//! none of it (bundles are acknowledged, others plug in ports on other hosts), so it is kept until one does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::bindings::{Bindings, IFACE_ID, Names, bindings};
use super::layout::{Change, Plan, plan, plan_local_vlans};
use super::observed::Observed;
use super::reconciler::Reconciler;
use crate::compile::Layout;
use crate::model::{INTEGRATION_BRIDGE, Settings, Site, Touched};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Surroundings {
    /// What it follows from: another one is another allocation.
    observed: Arc<Observed>,
    settings: Settings,
    pub(super) bindings: Bindings,
    /// The ports (`_uuid`) that are plugged in.
    pub(super) plugged: Arc<BTreeSet<Uuid>>,
    /// The bridges with which a session is needed.
    pub(super) needed: BTreeSet<String>,
    /// Local VLANs of networks.
    pub(super) recorded: BTreeMap<Uuid, u16>,
    /// True if those of all networks with an endpoint are certain.
    pub(super) believed: bool,
    /// The endpoints: port and network.
    pub(super) endpoints: BTreeMap<Uuid, Uuid>,
    /// What is to be noted on the ports if no network needs a local VLAN that has none.
    pub(super) to_note: Vec<Change>,
    /// True if there is such a network.
    pub(super) lacks_local_vlans: bool,
    /// What interfaces say they are, where that may be the `_uuid` of a port.
    ids: BTreeSet<Uuid>,
    layout: Layout,
    /// The plan for when just these bridges are guarded.
    plan: Option<(BTreeSet<String>, Plan)>,
}

impl Surroundings {
    /// `local_vlans` tells, of the endpoints and the bridges that are needed, `recorded` and `believed`.
    pub(super) fn new(
        observed: &Arc<Observed>,
        settings: &Settings,
        site: &Site,
        names: &mut Names,
        local_vlans: impl FnOnce(
            &BTreeMap<Uuid, Uuid>,
            &BTreeSet<String>,
        ) -> (BTreeMap<Uuid, u16>, bool),
    ) -> Self {
        let bindings = bindings(observed, site, names);
        let network = |id: &Uuid| Some((*id, site.ports.get(id)?.network));
        let endpoints: BTreeMap<Uuid, Uuid> = bindings.bound.keys().filter_map(network).collect();
        let needed = Reconciler::bridges(settings, observed);
        let (recorded, believed) = local_vlans(&endpoints, &needed);
        let bridge = observed.bridges.get(INTEGRATION_BRIDGE);
        let ports = bridge.into_iter().flat_map(|bridge| bridge.ports.values());
        let interfaces = ports.flat_map(|port| port.interfaces.values());
        let id = |said: &String| said.parse().ok();
        Self {
            needed,
            plugged: Arc::new(bindings.bound.keys().copied().collect()),
            to_note: plan_local_vlans(observed, site, &bindings, &recorded),
            lacks_local_vlans: endpoints
                .values()
                .any(|network| !recorded.contains_key(network)),
            ids: interfaces
                .filter_map(|interface| interface.external_ids.get(IFACE_ID).and_then(id))
                .collect(),
            layout: Layout::new(settings),
            plan: None,
            observed: Arc::clone(observed),
            settings: settings.clone(),
            bindings,
            recorded,
            believed,
            endpoints,
        }
    }

    /// True if they are the same as ever, unless the name of a port means another one now.
    pub(super) fn hold(
        &self,
        observed: &Arc<Observed>,
        settings: &Settings,
        touched: &Touched,
    ) -> bool {
        let is_here = |id: &Uuid| self.ids.contains(id) || self.bindings.bound.contains_key(id);
        Arc::ptr_eq(&self.observed, observed)
            && self.settings == *settings
            && !touched.ports.iter().any(is_here)
    }

    /// What bridges and ports need while these bridges are guarded.
    pub(super) fn plan(&mut self, guarded: &BTreeSet<String>) -> &Plan {
        let known = self.plan.take().filter(|(known, _)| known == guarded);
        let (_, plan) = self.plan.insert(known.unwrap_or_else(|| {
            let plan = plan(&self.observed, &self.layout, guarded);
            (guarded.clone(), plan)
        }));
        plan
    }
}
