using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;
using ControlPlane.Placement.Plans;
using ControlPlane.Sites;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Orleans.Runtime;
using Orleans.Serialization;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>
/// A region and its overlays in one process, each on a store of its own, at which it may die; an overlay begins anew at once.
/// </summary>
internal sealed class PlacementWorld
{
    private const string Policy = """
        apiVersion: placement.controlplane/v1
        kind: PlacementPolicy
        metadata: { name: test }
        spec:
          attributes: { customer: { from: jwt.customer }, expected: { from: jwt.expected, type: number } }
          groups: [ { name: customer, key: [customer], declaredSizeFrom: expected } ]
        """;

    private static readonly GrainId Grain = GrainId.Create("placement", "test");
    private static readonly Serializer Serializer =
        new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    private readonly Dictionary<string, MemoryStore> stores;
    private readonly Dictionary<string, Task<(StoredPlaces Stored, OverlayPlacement Owner)>> owners = new(StringComparer.Ordinal);

    private PlacementWorld(Dictionary<string, MemoryStore> stores, FakeTimeProvider time)
    {
        (this.stores, Time) = (stores, time);
        History = new StoredRegion(stores[""], Grain, Serializer, time, _ => stores[""].Revive());
        var leadership = new RegionLeadership(History, new PlanHandover(History, _ => { }));
        var meter = new PlacementMeter();
        Region = new NodePlacements(
            History, "test", Copies.GetValueOrDefault, new ExternalDecision(null, TimeProvider.System, meter), meter);
        Leadership = leadership;
    }

    public static OverlaysOptions Options { get; } = new()
    {
        Region = "test",
        Local = "a",
        LeaseLifetime = TimeSpan.FromMinutes(30),
        Members =
        {
            ["a"] = new OverlayOptions { HardLimit = 6, SoftLimit = 6 },
            ["b"] = new OverlayOptions { HardLimit = 5, SoftLimit = 4 },
            ["c"] = new OverlayOptions { HardLimit = 4, SoftLimit = 4 },
        },
    };

    public FakeTimeProvider Time { get; }

    public StoredRegion History { get; }

    public NodePlacements Region { get; }

    public Dictionary<string, OverlayCopy> Copies { get; } = new(StringComparer.Ordinal);

    /// <summary>Which overlays the region does not reach.</summary>
    public Func<string, bool> Cut { get; set; } = _ => false;

    /// <summary>Whether what is cut off is the answer, and not the question.</summary>
    public bool IsAnswerLost { get; set; }

    private RegionLeadership Leadership { get; }

    /// <summary>As a reentrant grain runs: one turn after the other, calls interleaved where they wait.</summary>
    public static void InTurns(Func<Task> run) => Task.Factory.StartNew(
        run,
        CancellationToken.None,
        TaskCreationOptions.None,
        new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler).Unwrap().GetAwaiter().GetResult();

    public static async Task<PlacementWorld> OpenAsync()
    {
        var world = await new PlacementWorld(
            new[] { "", "a", "b", "c" }.ToDictionary(name => name, _ => new MemoryStore()), new FakeTimeProvider()).BeginAsync();
        await world.History.Record(new PlacementChange.PolicyApplied(new PolicyVersion(1, "test", Policy, "test", world.Time.GetUtcNow())));
        world.History.Ledger.Configure(Options);
        return world;
    }

    /// <summary>All end, and begin anew on what is stored.</summary>
    public Task<PlacementWorld> RestartAsync()
    {
        foreach (var store in stores.Values)
        {
            store.Revive();
        }

        return new PlacementWorld(stores, Time).BeginAsync();
    }

    public void DieAfter(string who, int writes, bool isStored) => stores[who].DieAfter(writes, isStored);

    public Task FollowAsync() => Task.WhenAll(Copies.Values.Select(copy => copy.FollowAsync()));

    /// <summary>As the region's round does.</summary>
    public Task TellMovedAsync() => Task.WhenAll(History.Ledger.MovedAway.ToArray().Select(async moved =>
    {
        var (_, owner) = await OwnerAsync(moved.Overlay);
        if (History.Ledger.Node(moved.Identity) is { Home: not null } node && owner.LivedBefore(moved.Identity, node.Decided))
        {
            await owner.Leave(moved.Identity, node.Decided);
        }
    }));

    /// <summary>As enrolments do.</summary>
    public async Task<string?> ConfirmAsync(string identity, string overlay)
    {
        switch (await (await OwnerAsync(overlay)).Owner.Confirm(identity))
        {
            case Confirmation.Lives:
                return null;
            case Confirmation.NoPlace:
                return "no place";
            default:
                try
                {
                    if (await Region.Readmit(identity, overlay) is { } rule)
                    {
                        return rule;
                    }
                }
                catch (SiteUnreachableException)
                {
                }

                return await (await OwnerAsync(overlay)).Owner.LetIn(identity);
        }
    }

    public async Task ReleaseAsync(string identity, string overlay) => await (await OwnerAsync(overlay)).Owner.Release(identity);

    public async Task RemoveAsync(string identity)
    {
        foreach (var overlay in Options.Members.Keys)
        {
            await (await OwnerAsync(overlay)).Owner.Remove(identity, isGone: false);
        }
    }

    /// <summary>What the overlays know of a node, and the region.</summary>
    public async Task<PlacedNode[]> KnownAsync(string identity)
    {
        var known = new List<PlacedNode?> { History.Ledger.Node(identity) };
        foreach (var overlay in Options.Members.Keys)
        {
            known.Add((await OwnerAsync(overlay)).Stored.Places.Node(identity));
        }

        return [.. known.OfType<PlacedNode>()];
    }

    public OverlayPlaces PlacesOf(string overlay) => owners[overlay].Result.Stored.Places;

    private async Task<PlacementWorld> BeginAsync()
    {
        await History.OpenAsync(Options);
        foreach (var entry in History.Ledger.OverlaysByNumber)
        {
            await OwnerAsync(entry.Name);
            Copies[entry.Name] = new OverlayCopy(entry, History, Leadership, (by, call) => AskAsync(entry.Name, by, call));
        }

        await FollowAsync();
        return this;
    }

    private async Task<OverlayReply> AskAsync(string overlay, LeaderEpoch by, OverlayCall call)
    {
        if (Cut(overlay) && !IsAnswerLost)
        {
            throw new SiteUnreachableException($"{overlay} does not answer");
        }

        try
        {
            var answer = await (await OwnerAsync(overlay)).Owner.Answer(by, call);
            return Cut(overlay) ? throw new SiteUnreachableException($"{overlay} does not answer") : answer;
        }
        catch (Exception dead) when (overlay != "a" && dead is PlacementUnavailableException or IOException)
        {
            // Over a link only silence is heard.
            throw new SiteUnreachableException($"{overlay} does not answer", dead);
        }
    }

    private Task<(StoredPlaces Stored, OverlayPlacement Owner)> OwnerAsync(string overlay) =>
        owners.TryGetValue(overlay, out var owner) && !owner.IsFaulted ? owner : owners[overlay] = BeginAsync(overlay);

    private async Task<(StoredPlaces Stored, OverlayPlacement Owner)> BeginAsync(string overlay)
    {
        var stored = new StoredPlaces(overlay, stores[overlay], Grain, Serializer, Time, _ =>
        {
            owners.Remove(overlay);
            stores[overlay].Revive();
        });
        await stored.OpenAsync();
        return (stored, new OverlayPlacement(stored, () => Options, _ => Task.CompletedTask));
    }
}
