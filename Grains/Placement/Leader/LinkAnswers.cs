namespace ControlPlane.Placement;

/// <summary>Answers what other overlays ask this one's placement.</summary>
public sealed class LinkAnswers(IGrainFactory grains)
{
    /// <inheritdoc cref="IInternalPlacementGrain.Answer"/>
    public Task<LinkReply> AnswerAsync(LinkRequest request) =>
        grains.GetGrain<IInternalPlacementGrain>(request.Region).Answer(request);
}
