namespace ControlPlane.Nodes;

/// <summary>What those who hear nodes ask and tell the grain of one.</summary>
public sealed class NodeReports(IGrainFactory grains)
{
    /// <inheritdoc cref="IInternalNodeGrain.JudgeKey"/>
    public Task<KeyStatus> JudgeKeyAsync(string identity, string key) => grains.GetGrain<IInternalNodeGrain>(identity).JudgeKey(key);

    /// <inheritdoc cref="INodeSliceGrain.RecordContest"/>
    public Task RecordContestAsync(string identity, ContestedAnswer contested) =>
        grains.SliceOf(identity).RecordContest(identity, contested);
}
