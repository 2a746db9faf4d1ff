using System.Text.Json.Serialization;
using ControlPlane.Placement.Overlays;
using ControlPlane.Sites;
using Microsoft.Extensions.Options;

namespace ControlPlane.Placement;

/// <summary>What one site's placement asks another's.</summary>
[JsonDerivedType(typeof(OfOverlay), "ofOverlay")]
[JsonDerivedType(typeof(OfLeader), "ofLeader")]
internal abstract record PlacementQuestion
{
    /// <summary>The region's leader asks an overlay that the other site serves.</summary>
    public sealed record OfOverlay(string Overlay, LeaderEpoch By, OverlayCall Call) : PlacementQuestion;

    /// <summary>A site asks the region's leader.</summary>
    public sealed record OfLeader(string Region, LeaderEpoch Leader, LeaderCall Call) : PlacementQuestion;
}

/// <summary>What it answers.</summary>
[JsonDerivedType(typeof(OfOverlay), "ofOverlay")]
[JsonDerivedType(typeof(OfLeader), "ofLeader")]
internal abstract record PlacementReply
{
    public sealed record OfOverlay(OverlayReply Answer) : PlacementReply;

    public sealed record OfLeader(LeaderAnswer Answer) : PlacementReply;
}

/// <summary>Answers what other sites ask of this site's placement.</summary>
internal sealed class PlacementChannel(IGrainFactory grains, IOptionsMonitor<OverlaysOptions> options) : ISiteChannel
{
    public const string Name = "placement-v1";

    string ISiteChannel.Name => Name;

    public async Task<byte[]> AnswerAsync(string? asker, ReadOnlyMemory<byte> question, CancellationToken cancellationToken) =>
        SiteJson.Write(await AnswerAsync(asker, SiteJson.Read<PlacementQuestion>(question.Span)));

    private async Task<PlacementReply> AnswerAsync(string? asker, PlacementQuestion question)
    {
        var region = options.CurrentValue;
        return question switch
        {
            PlacementQuestion.OfOverlay { By.Name: var leader } when asker is not null && region.ServedBy(leader) != asker =>
                throw new FormatException($"{asker} speaks for the leader {leader}, which it does not serve"),

            PlacementQuestion.OfOverlay of when region.Members.ContainsKey(of.Overlay) && region.Serves(of.Overlay) =>
                new PlacementReply.OfOverlay(await grains.GetOverlay(region.Region, of.Overlay).Answer(of.By, of.Call)),

            // Another region's question is not ours, whoever may publish here.
            PlacementQuestion.OfLeader of when of.Region == region.Region =>
                new PlacementReply.OfLeader(await grains.GetGrain<IInternalPlacementGrain>(of.Region).Answer(of.Leader, of.Call)),
            _ => throw new FormatException("it is about another region, or an overlay that is not served here"),
        };
    }
}
