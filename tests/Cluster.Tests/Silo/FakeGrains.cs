using ControlPlane.Access;
using System.Reflection;
using ControlPlane.Certificates;
using ControlPlane.Cluster.Tests.Jobs;
using ControlPlane.Cluster.Tests.Replication;
using ControlPlane.Enrolment;
using ControlPlane.Filters;
using ControlPlane.Fleet;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Replication;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>A fleet without a cluster: what the API asks of grains, answered from memory.</summary>
internal sealed class FakeGrains
{
    public const string Region = "eu";
    public const string Overlay = "eu-1";

    public SortedDictionary<string, RosterEntry> Roster { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, NodeSnapshot> Nodes { get; } = new(StringComparer.Ordinal);

    public List<OverlaySnapshot> Overlays { get; } = [new(Overlay, OverlayState.Active, 3, 1, 18_000, 20_000)];

    /// <summary>The control of <see cref="Overlay"/>, and what changed it last.</summary>
    public EnrolmentControl Control { get; set; } = new(Overlay);

    public ControlChange? LastChange { get; private set; }

    /// <summary>What the register of Choria's tokens says; of tokens of others, that it knows them now.</summary>
    internal Func<ShownToken, TokenAdmission> Recognise { get; set; } = token => token.IsFromElsewhere
        ? new TokenAdmission.Admitted(new ChoriaSignIn(token.CallerId, ChoriaTokenOrigin.Elsewhere))
        : new TokenAdmission.Refused("the token was not given out here");

    /// <summary>What agents say of themselves.</summary>
    public FakeDdls Ddls { get; } = new();

    /// <summary>The jobs there are.</summary>
    public FakeJobs Jobs { get; } = new();

    /// <summary>The links there are.</summary>
    public FakeReplication Replication { get; } = new();

    /// <summary>What watchers read.</summary>
    internal FakeFeed Feed { get; } = new();

    /// <summary>What can be searched for; one slice stands in for all.</summary>
    internal NodeIndex Index { get; } = new(100);

    /// <summary>What the next reprovision answers, and what the last one asked.</summary>
    public Func<ReprovisionOutcome> Reprovision { get; set; } = () => new ReprovisionOutcome.Accepted();

    public ReprovisionRequest? LastReprovision { get; private set; }

    /// <summary>For whom the last reprovision was.</summary>
    public string? LastActor { get; private set; }

    public DecommissionRequest? LastDecommission { get; private set; }

    /// <summary>The certificates there are, and what the last revocation asked.</summary>
    public List<CertificateRecord> Certificates { get; } = [];

    public CertificateRevocationRequest? LastRevocation { get; private set; }

    public Func<CertificateRevocation> Revoke { get; set; } = () => new CertificateRevocation.UnknownCertificate();

    /// <summary>What nodes would be configured with.</summary>
    public Dictionary<string, NodeConfigurationView?> Configurations { get; } = new(StringComparer.Ordinal);

    public IGrainFactory Factory => Stand.InForGrains(Resolve);

    public void Add(string identity, NodeStage stage = NodeStage.Enrolled, string? reason = null)
    {
        var at = DateTimeOffset.UnixEpoch.AddDays(20_000);
        Roster[identity] = new RosterEntry(identity, stage, Overlay, reason, at, null);
        Nodes[identity] = new NodeSnapshot(
            identity, stage, NodeProtocol.V2, 1, Overlay, "capacity", null, at.AddDays(1), null, reason, null, at, at, "0.29.4",
            [new NodeStep(NodeStage.Discovered, at, 1, null), new NodeStep(stage, at.AddSeconds(3), 1, reason)]);
    }

    internal Dictionary<string, NodeInventory> Inventories { get; } = new(StringComparer.Ordinal);

    internal void Say(string identity, string facts, NodeLiveness liveness = NodeLiveness.Alive)
    {
        Add(identity);
        var inventory = new NodeInventory(
            identity,
            InventorySource.Registration,
            DateTimeOffset.UnixEpoch,
            System.Text.Encoding.UTF8.GetBytes(facts),
            ["role::web"],
            ["rpcutil"],
            [],
            null,
            facts,
            0);
        Inventories[identity] = inventory;
        Index.Stand(Roster[identity] with { Liveness = liveness });
        Index.Learn(inventory);
    }

    private SelectOutcome Select(int slice, NodeQuery query, string? after, int limit)
    {
        try
        {
            var matched = Index.Select(NodeSelection.Of(query)).Where(entry => FleetSlices.NumberOf(entry.Identity) == slice).ToList();
            var page = matched.Where(entry => after is null || string.CompareOrdinal(entry.Identity, after) > 0).Take(limit);
            return new SelectOutcome.Selected([.. page], matched.Count, IsComplete: true);
        }
        catch (FilterException unclear)
        {
            return new SelectOutcome.Refused(unclear.Message);
        }
    }

    private CountOutcome.Counted Count(int slice, NodeQuery query, string fact)
    {
        if (slice != 0)
        {
            return new CountOutcome.Counted(new Dictionary<string, int>(), 0, 0, IsComplete: true);
        }

        var (counts, missing) = Index.CountBy(fact, NodeSelection.Of(query));
        return new CountOutcome.Counted(
            counts.ToDictionary(count => count.Key.ToJson(), count => count.Value), 0, missing, IsComplete: true);
    }

    private object Resolve(Type contract, object key) => contract switch
    {
        _ when contract == typeof(INodeGrain) => Stand.In<INodeGrain>(new()
        {
            [nameof(INodeGrain.Get)] = _ => Task.FromResult(Nodes.GetValueOrDefault((string)key) ?? Unknown((string)key)),
            [nameof(INodeGrain.ViewConfiguration)] = _ => Task.FromResult(Configurations.GetValueOrDefault((string)key)),
            [nameof(INodeGrain.Reprovision)] = arguments =>
            {
                LastReprovision = (ReprovisionRequest)arguments[0]!;
                LastActor = CallerContext.Actor;
                return Task.FromResult(Reprovision());
            },
            [nameof(INodeGrain.Decommission)] = arguments =>
            {
                LastDecommission = (DecommissionRequest)arguments[0]!;
                return Task.FromResult(
                    Nodes.ContainsKey((string)key) ? new DecommissionOutcome(true, "it shuts down", ["its server token is valid"]) : null);
            },
        }),
        _ when contract == typeof(IFleetSliceGrain) => SliceOf(key),
        _ when contract == typeof(IChoriaTokenShardGrain) => Stand.In<IChoriaTokenShardGrain>(new()
        {
            [nameof(IChoriaTokenShardGrain.Recognise)] = arguments => Task.FromResult(Recognise((ShownToken)arguments[0]!)),
        }),
        _ when contract == typeof(IJobGrain) => Jobs.Grain((string)key),
        _ when contract == typeof(IJobListGrain) => Jobs.List(),
        _ when contract == typeof(IReplicationGrain) => Replication.Grain((string)key),
        _ when contract == typeof(IReplicationListGrain) => Replication.List(),
        _ when contract == typeof(IJobScheduleGrain) => Jobs.Schedules.Grain((string)key),
        _ when contract == typeof(IRegionPlacementGrain) && Region.Equals(key) => Stand.In<IRegionPlacementGrain>(new()
        {
            [nameof(IRegionPlacementGrain.ListOverlays)] = _ => Task.FromResult<IReadOnlyList<OverlaySnapshot>>(Overlays),
        }),
        _ when contract == typeof(IEnrolmentControlGrain) => Stand.In<IEnrolmentControlGrain>(new()
        {
            [nameof(IEnrolmentControlGrain.Get)] = _ => Task.FromResult(Overlay.Equals(key) ? Control : null),
            [nameof(IEnrolmentControlGrain.Pause)] = arguments => Change(key, arguments[0], change =>
                Control with { Pause = new EnrolmentStop(CallerContext.Actor, change.Reason, DateTimeOffset.UnixEpoch) }),
            [nameof(IEnrolmentControlGrain.Resume)] = arguments => Change(key, arguments[0], _ => Control with { Pause = null }),
            [nameof(IEnrolmentControlGrain.ReleaseBrake)] = arguments => Change(key, arguments[0], _ => Control with { Brake = null }),
            [nameof(IEnrolmentControlGrain.Limit)] = arguments => Change(key, arguments[1], change => Control with
            {
                Limit = arguments[0] is int rate
                    ? new EnrolmentLimit(rate, CallerContext.Actor, change.Reason, DateTimeOffset.UnixEpoch)
                    : null,
            }),
        }),
        _ when contract == typeof(ICertificateInventoryGrain) => Stand.In<ICertificateInventoryGrain>(new()
        {
            [nameof(ICertificateInventoryGrain.ListIssuers)] = _ => Task.FromResult<IReadOnlyList<string>>(["local"]),
            [nameof(ICertificateInventoryGrain.List)] = arguments =>
                Task.FromResult(Page((LedgerPosition?)arguments[2], (int)arguments[3]!)),
            [nameof(ICertificateInventoryGrain.ListOfNode)] = arguments => Task.FromResult<IReadOnlyList<CertificateRecord>>(
                [.. Certificates.Where(one => one.Identity == (string)arguments[0]!)]),
            [nameof(ICertificateInventoryGrain.GetRevocationLists)] = arguments => Task.FromResult<IReadOnlyList<byte[]>?>(
                "local".Equals(arguments[0]) ? [[48, 1], [48, 2]] : null),
            [nameof(ICertificateInventoryGrain.GetHistory)] = _ => Task.FromResult(
                new LedgerHistory(
                    [new LedgerRecord(1, "aa", "{}")], new LedgerHead(2, "bb"), ["the records after 1 are missing: the last is 2"])),
            [nameof(ICertificateInventoryGrain.Revoke)] = arguments =>
            {
                LastRevocation = (CertificateRevocationRequest)arguments[0]!;
                return Task.FromResult(Revoke());
            },
        }),
        _ => throw new InvalidOperationException($"nothing stands in for {contract.Name}"),
    };

    private IFleetSliceGrain SliceOf(object key) => Stand.In<IFleetSliceGrain>(new()
    {
        [nameof(IFleetSliceGrain.List)] = arguments =>
            Task.FromResult(List(NumberOf(key), (NodeStage?)arguments[0], (string?)arguments[1], (int)arguments[2]!)),
        [nameof(IFleetSliceGrain.CountStages)] = _ => Task.FromResult<IReadOnlyDictionary<NodeStage, int>>(
            Slice(NumberOf(key)).CountBy(entry => entry.Stage).ToDictionary()),
        [nameof(IFleetSliceGrain.Select)] = arguments =>
            Task.FromResult(Select(NumberOf(key), (NodeQuery)arguments[0]!, (string?)arguments[1], (int)arguments[2]!)),
        [nameof(IFleetSliceGrain.CountFact)] = arguments =>
            Task.FromResult<CountOutcome>(Count(NumberOf(key), (NodeQuery)arguments[0]!, (string)arguments[1]!)),
        [nameof(IFleetSliceGrain.FindInventory)] = arguments =>
            Task.FromResult(Inventories.GetValueOrDefault((string)arguments[0]!)),
    });

    private static int NumberOf(object key) => int.Parse((string)key, System.Globalization.CultureInfo.InvariantCulture);

    private Task<EnrolmentControl?> Change(object key, object? given, Func<ControlChange, EnrolmentControl> change)
    {
        if (!Overlay.Equals(key))
        {
            return Task.FromResult<EnrolmentControl?>(null);
        }

        LastChange = (ControlChange)given!;
        Control = change(LastChange);
        return Task.FromResult<EnrolmentControl?>(Control);
    }

    private CertificatePage Page(LedgerPosition? after, int limit)
    {
        var page = Certificates.Where(one => after is null || string.CompareOrdinal(one.OrderId, after.OrderId) > 0).Take(limit).ToList();
        return new CertificatePage(page, page.Count == limit ? new LedgerPosition(page[^1].OrderedAt, page[^1].OrderId) : null);
    }

    private IReadOnlyList<RosterEntry> List(int slice, NodeStage? stage, string? afterIdentity, int limit) =>
    [
        .. Slice(slice)
            .Where(entry => stage is null || entry.Stage == stage)
            .Where(entry => afterIdentity is null || string.CompareOrdinal(entry.Identity, afterIdentity) > 0)
            .Take(limit),
    ];

    private IEnumerable<RosterEntry> Slice(int slice) => Roster.Values.Where(entry => FleetSlices.NumberOf(entry.Identity) == slice);

    private static NodeSnapshot Unknown(string identity) => new(
        identity, NodeStage.Unknown, NodeProtocol.Unknown, 0, null, null, null, null, null, null, null, null, null, null, []);
}

/// <summary>Stands in for an interface of which a test needs a few members; every other call fails the test.</summary>
public class Stand : DispatchProxy
{
    private Dictionary<string, Func<object?[], object>> _answers = [];
    private Func<Type, object, object>? _resolve;

    public static T In<T>(Dictionary<string, Func<object?[], object>> answers)
        where T : class
    {
        var stand = Create<T, Stand>();
        ((Stand)(object)stand)._answers = answers;
        return stand;
    }

    /// <summary>A factory whose grains are what <paramref name="resolve"/> gives for a contract and a key.</summary>
    public static IGrainFactory InForGrains(Func<Type, object, object> resolve)
    {
        var factory = Create<IGrainFactory, Stand>();
        ((Stand)(object)factory)._resolve = resolve;
        return factory;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod switch
    {
        { Name: "GetGrain", IsGenericMethod: true } when _resolve is not null => _resolve(targetMethod.GetGenericArguments()[0], args![0]!),
        not null when _answers.TryGetValue(targetMethod.Name, out var answer) => answer(args ?? []),
        _ => throw new NotSupportedException(targetMethod?.Name),
    };
}
