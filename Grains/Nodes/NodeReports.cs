namespace ControlPlane.Nodes;

/// <summary>What those who hear nodes ask and tell the grain of one.</summary>
public sealed class NodeReports(IGrainFactory grains)
{
    /// <inheritdoc cref="IInternalNodeGrain.JudgeKey"/>
    public Task<KeyStatus> JudgeKeyAsync(string identity, string key) => Node(identity).JudgeKey(key);

    /// <inheritdoc cref="IInternalNodeGrain.RecordContest"/>
    public Task RecordContestAsync(string identity, ContestedAnswer contested) => Node(identity).RecordContest(contested);

    private IInternalNodeGrain Node(string identity) => grains.GetGrain<IInternalNodeGrain>(identity);
}
