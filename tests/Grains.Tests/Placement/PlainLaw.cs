using System.Text.Json;
using ControlPlane.Placement;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>
/// The rules of a <see cref="PolicySketch"/> told once more, as plainly as can be: by what the region is after a step, not by how a
/// decision finds it. Shares no code with the engine.
/// </summary>
internal sealed class PlainLaw(PolicySketch policy, Region region)
{
    private static readonly int[] Required = [0, 1, 2];

    private IEnumerable<(string Identity, PlainNode Node, string Home, int Declared)> Nodes => region.Ledger.AllNodes()
        .Select(node => (node.Identity, PlainNode.Read(node.Identity, node.Attributes), node.Home!, node.Declared));

    /// <summary>Whether the region with the node in an overlay is lawful, and the overlay takes it.</summary>
    public bool MayTake(string identity, string attributes, OverlayEntry overlay)
    {
        var node = PlainNode.Read(identity, attributes);
        var home = region.Ledger.Node(identity)?.Home;
        var others = Nodes.Where(other => other.Identity != identity).ToArray();
        return (overlay.State == OverlayState.Active || overlay.Name == home)
            && MayBeIn(node, overlay)
            && policy.Groups.All(group => IdOf(group, node) is not { } id || group switch
            {
                <= 2 => others.All(other => IdOf(group, other.Node) != id || other.Home == overlay.Name),
                5 => Skew(group, id, overlay, others, place => place.Name) <= 1,
                6 => Skew(group, id, overlay, others, place => place.Labels["site"]) <= 2,
                _ => true,
            })
            && (overlay.Name == home || HasRoom(node, overlay, others));
    }

    /// <summary>Pins and filters.</summary>
    public bool MayBeIn(PlainNode node, OverlayEntry overlay) =>
        (PinOf(node) is not { } pinned || pinned == overlay.Name) && policy.Filters.All(filter => filter switch
        {
            0 => overlay.Labels["site"] == node.Site,
            1 => node.Customer is not ("c0" or "c1") || overlay.Labels["pci"] == "true",
            2 => node.Role != "replica" || overlay.Name != "o0",
            3 => node.Identity is not ("n04" or "n05") || overlay.Name != "o1",
            _ => node.Uses.Contains("gpu") || overlay.Labels["pci"] != "true",
        });

    /// <summary>What must hold of every committed state.</summary>
    /// <param name="isSettled">
    /// Whether every node says what it always said. One that changes its group in its place leaves the old group's promise behind.
    /// </param>
    public void AssertLawful(bool isSettled)
    {
        foreach (var overlay in region.Ledger.Overlays)
        {
            var nodes = Nodes.Where(node => node.Home == overlay.Name).ToArray();
            Assert.Equal(nodes.Length, overlay.Load);
            Assert.Equal(nodes.Length + Promises(overlay, [.. Nodes]), overlay.Committed);
            Assert.InRange(isSettled ? overlay.Committed : overlay.Load, 0, overlay.HardLimit);
        }

        foreach (var group in policy.Groups.Intersect(Required))
        {
            Assert.All(Nodes.Where(node => IdOf(group, node.Node) is not null).GroupBy(node => IdOf(group, node.Node)),
                members => Assert.Single(members.Select(node => node.Home).Distinct()));
        }
    }

    private string? PinOf(PlainNode node) => policy.Pins.Select(pin => pin switch
    {
        0 when node.Identity == "n03" => "o1",
        1 when node.Customer == "c1" => "o0",
        2 when node.Role == "replica" && node.Site == "cork" => "o2",
        3 when node.Customer == "c2" => "elsewhere",
        _ => null,
    }).FirstOrDefault(overlay => overlay is not null);

    private static string? IdOf(int group, PlainNode node) => group switch
    {
        0 or 3 => node.Customer,
        1 => node.Customer == "c2" ? null : node.Service,
        2 => node.Service == "s0" || node.Uses.Contains("s0") ? "one" : null,
        4 => node.Service == "s1" || node.Uses.Contains("s0") ? "one" : null,
        5 => node.Service,
        _ => node.Role == "replica" ? node.Service : null,
    };

    private static int DeclaredBy(int group, PlainNode node) => group switch { 0 => node.Expected, 2 => 3, _ => 0 };

    private int Skew(
        int group, string id, OverlayEntry overlay, (string Identity, PlainNode Node, string Home, int Declared)[] others,
        Func<OverlayEntry, string> domain)
    {
        int Count(OverlayEntry place) => others.Count(other => IdOf(group, other.Node) == id
            && domain(region.Ledger.Overlay(other.Home)!) == domain(place));
        return Count(overlay) + 1 - region.Ledger.Overlays.Where(place => place.State == OverlayState.Active).Select(Count)
            .DefaultIfEmpty(int.MaxValue).Min();
    }

    private bool HasRoom(PlainNode node, OverlayEntry overlay, (string Identity, PlainNode Node, string Home, int Declared)[] others)
    {
        var declared = policy.Groups.Intersect(Required).Where(group => IdOf(group, node) is not null)
            .Select(group => (Own: DeclaredBy(group, node), Promised: Promised(group, IdOf(group, node)!, [.. Nodes]))).ToArray();
        var most = declared.Where(group => group.Promised < group.Own).Select(group => group.Promised!.Value)
            .DefaultIfEmpty(int.MaxValue).Min();
        var own = Math.Min(most, declared.Select(group => Math.Min(group.Own, group.Promised ?? group.Own)).DefaultIfEmpty().Max());
        (string, PlainNode, string, int)[] after = [.. others, (node.Identity, node, overlay.Name, own)];
        var load = others.Count(other => other.Home == overlay.Name) + 1;
        var committed = load + Promises(overlay, after);
        return load <= overlay.HardLimit && (committed <= overlay.HardLimit || committed <= overlay.Committed)
            && (committed <= overlay.SoftLimit || Belongs(node, overlay, others));
    }

    // What a group was promised before; null for one that begins with the node.
    private static int? Promised(int group, string id, (string Identity, PlainNode Node, string Home, int Declared)[] all)
    {
        var members = all.Where(member => IdOf(group, member.Node) == id).ToArray();
        return members.Length == 0 ? null : members.Max(member => Math.Min(member.Declared, DeclaredBy(group, member.Node)));
    }

    private int Promises(OverlayEntry overlay, (string Identity, PlainNode Node, string Home, int Declared)[] nodes) =>
        !policy.Reserves ? 0 : policy.Groups.Intersect(Required).Sum(group => nodes
            .Where(node => node.Home == overlay.Name && IdOf(group, node.Node) is not null)
            .GroupBy(node => IdOf(group, node.Node))
            .Sum(members => Math.Max(
                0, members.Max(member => Math.Min(member.Declared, DeclaredBy(group, member.Node))) - members.Count())));

    // Members of groups that live there may use what is left above the soft limit.
    private bool Belongs(PlainNode node, OverlayEntry overlay, (string Identity, PlainNode Node, string Home, int Declared)[] others) =>
        policy.Groups.Any(group => IdOf(group, node) is { } id && (group switch
        {
            <= 2 => others.Any(other => IdOf(group, other.Node) == id && other.Home == overlay.Name),
            3 or 4 => Nodes.Where(other => IdOf(group, other.Node) == id).GroupBy(other => other.Home, StringComparer.Ordinal)
                .OrderByDescending(part => part.Count()).ThenBy(part => part.Key, StringComparer.Ordinal).FirstOrDefault()?.Key
                    == overlay.Name,
            _ => false,
        }));
}

/// <summary>What a generated node says of itself.</summary>
internal sealed record PlainNode(
    string Identity, string? Customer, string? Service, string? Site, string? Role, int Expected, string[] Uses)
{
    public static PlainNode Read(string identity, string attributes)
    {
        using var document = JsonDocument.Parse(attributes);
        string? Text(string name) => document.RootElement.TryGetProperty(name, out var value) ? value.GetString() : null;
        return new PlainNode(
            identity, Text("customer"), Text("service"), Text("site"), Text("role"),
            document.RootElement.GetProperty("expected").GetInt32(),
            document.RootElement.TryGetProperty("uses", out var uses) ? [.. uses.EnumerateArray().Select(item => item.GetString()!)] : []);
    }
}
