using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Access;
using ControlPlane.Adapters.Fleet.Sites;
using ControlPlane.Adapters.Nats;
using ControlPlane.Adapters.Nats.Callout;
using ControlPlane.Nodes;
using ControlPlane.Placement;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>
/// Which subjects the silo uses on a network, by what is configured. <c>docs/OPERATING.md</c> has the commands that grant them.
/// </summary>
internal static class NeededSubjects
{
    /// <summary>More than this is not listed one by one; the rest is counted.</summary>
    private const int DescribedMax = 12;

    /// <summary>What deciding log-ins needs of a broker's system account.</summary>
    public static IReadOnlyList<NeededSubject> OfAccess { get; } =
    [
        new(SubjectUse.Subscribe, AuthorizationRequest.Subject, "hear who logs in"),
        new(SubjectUse.Subscribe, BrokerMonitor.Events, "know who is connected"),
        ToPublish("$SYS.REQ.SERVER.>", "list and end connections"),
    ];

    public static IReadOnlyList<NeededSubject> Of(
        string network, FleetOptions fleet, OverlaysOptions overlays, string caller, string inboxPrefix) =>
        !FleetOptions.HasNodes(network, overlays) ? [.. OfLink(network, overlays)] :
    [
        new(SubjectUse.Subscribe, $"{inboxPrefix}.>", "get answers"),
        .. FleetSource.Of(fleet, overlays).Where(source => source.Network == network)
            .SelectMany(source => OfSource(source, overlays.Local)),
        .. network == FleetStreams.ProvisioningNetwork ? OfProvisioning(caller) : OfOverlay(network, fleet, overlays, caller),
    ];

    /// <summary>What is missing, in one sentence.</summary>
    public static string Describe(IReadOnlyList<NeededSubject> missing) =>
        string.Join("; ", missing.GroupBy(one => (one.Use, one.Purpose)).Select(same =>
            $"to {same.Key.Purpose} it has to {(same.Key.Use == SubjectUse.Publish ? "publish" : "subscribe")} to {List(same)}"));

    private static string List(IEnumerable<NeededSubject> missing)
    {
        var subjects = missing.Select(one => one.Subject).Distinct(StringComparer.Ordinal).ToList();
        var more = subjects.Count - DescribedMax;
        return string.Join(", ", subjects.Take(DescribedMax)) + (more > 0 ? $" and {more} more" : "");
    }

    private static IEnumerable<NeededSubject> OfSource(FleetSource source, string overlay) =>
    [
        .. JetStreamPermissions.ToRead(source.JetStream).Select(subject => ToPublish(subject, $"read the stream {source.JetStream}")),
        .. JetStreamPermissions.ToKeep(overlay, FleetStreams.Provider)
            .Select(subject => ToPublish(subject, "keep how far it has read")),
        .. source.Creation is not null
            ? JetStreamPermissions.ToMake(source.JetStream).Select(subject => ToPublish(subject, $"make the stream {source.JetStream}"))
            : [],
    ];

    private static IEnumerable<NeededSubject> OfProvisioning(string caller) =>
    [
        ToPublish(ChoriaSubjects.Node(ChoriaSubjects.ProvisioningCollective, ">"), "enrol nodes"),
        ToPublish(ChoriaSubjects.Broadcast(ChoriaSubjects.ProvisioningCollective, Discovery.Agent), "find nodes"),
        new(SubjectUse.Subscribe, ChoriaSubjects.AllReplies(ChoriaSubjects.ProvisioningCollective, caller), "hear nodes"),
    ];

    private static IEnumerable<NeededSubject> OfOverlay(string overlay, FleetOptions fleet, OverlaysOptions overlays, string caller) =>
    [
        .. overlay == overlays.Local ? OfOwnStreams(overlay) : [],
        .. overlay == overlays.Local && fleet.JobEvents
            ? [ToPublish(NatsJobEvents.AllSubjects, "tell of events of jobs", isVital: false)]
            : Array.Empty<NeededSubject>(),
        .. fleet.CallerProof is null ? [] : OfNodes(overlays.Members.GetValueOrDefault(overlay), caller),
        .. overlay == overlays.Local && overlays.Members.Count > 1 ? OfLink(overlay, overlays) : [],
    ];

    private static IEnumerable<NeededSubject> OfOwnStreams(string overlay) =>
        OverlayStreams.NamesOf(overlay)
            .SelectMany(stream => JetStreamPermissions.ToMake(stream).Concat(JetStreamPermissions.ToRead(stream)))
            .Concat(OverlayStreams.SubjectsOf(overlay))
            .Select(subject => ToPublish(subject, "keep its own streams"));

    private static IEnumerable<NeededSubject> OfNodes(OverlayOptions? overlay, string caller)
    {
        var collective = ChoriaNodeAgent.CollectiveOf(overlay);
        return
        [
            ToPublish(ChoriaSubjects.Node(collective, ">"), "ask nodes to enrol anew", isVital: false),
            new(SubjectUse.Subscribe, ChoriaSubjects.AllReplies(collective, caller), "hear nodes", IsVital: false),
        ];
    }

    private static IEnumerable<NeededSubject> OfLink(string overlay, OverlaysOptions overlays)
    {
        const string purpose = "place nodes together with the region's other overlays";
        var subject = SiteSubjects.Of(overlays.Region, overlay, "*");
        var answers = SiteSubjects.AnswersOf(overlays.Region);
        return overlay == overlays.Local
            ? [new NeededSubject(SubjectUse.Subscribe, subject, purpose, IsVital: false), ToPublish(answers, purpose, isVital: false)]
            : [ToPublish(subject, purpose, isVital: false), new NeededSubject(SubjectUse.Subscribe, answers, purpose, IsVital: false)];
    }

    private static NeededSubject ToPublish(string subject, string purpose, bool isVital = true) =>
        new(SubjectUse.Publish, subject, purpose, isVital);
}
