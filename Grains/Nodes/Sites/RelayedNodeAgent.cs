namespace ControlPlane.Nodes;

/// <summary>
/// A node that is on another site's provisioning network, called through that site; on the overlay's own network it is called from here.
/// </summary>
internal sealed class RelayedNodeAgent(string reception, NodeSites sites, INodeAgent here) : INodeAgent
{
    public async Task<NodeTokenReply> FetchTokenAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken) =>
        Of((await CallAsync(identity, protocol, new AgentCall.FetchToken(), cancellationToken)).Token);

    public async Task<string> FetchInventoryAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken) =>
        Of((await CallAsync(identity, protocol, new AgentCall.FetchInventory(), cancellationToken)).Inventory);

    public async Task<SigningRequestReply> MakeSigningRequestAsync(
        string identity, NodeProtocol protocol, CancellationToken cancellationToken) =>
        Of((await CallAsync(identity, protocol, new AgentCall.MakeSigningRequest(), cancellationToken)).SigningRequest);

    public async Task<Ed25519KeyReply> MakeEd25519KeyAsync(
        string identity, NodeProtocol protocol, CancellationToken cancellationToken) =>
        Of((await CallAsync(identity, protocol, new AgentCall.MakeEd25519Key(), cancellationToken)).Ed25519Key);

    public Task ConfigureAsync(
        string identity, NodeProtocol protocol, NodeConfiguration configuration, CancellationToken cancellationToken) =>
        CallAsync(identity, protocol, new AgentCall.Configure(configuration), cancellationToken);

    public Task RestartAsync(string identity, NodeProtocol protocol, CancellationToken cancellationToken) =>
        CallAsync(identity, protocol, new AgentCall.Restart(), cancellationToken);

    public Task UpdateAsync(
        string identity, NodeProtocol protocol, string repository, string version, CancellationToken cancellationToken) =>
        CallAsync(identity, protocol, new AgentCall.Update(repository, version), cancellationToken);

    public Task ReprovisionAsync(string identity, NodeProtocol protocol, string overlay, CancellationToken cancellationToken) =>
        here.ReprovisionAsync(identity, protocol, overlay, cancellationToken);

    public Task ShutDownAsync(string identity, NodeProtocol protocol, string? overlay, CancellationToken cancellationToken) =>
        overlay is null
            ? CallAsync(identity, protocol, new AgentCall.ShutDown(), cancellationToken)
            : here.ShutDownAsync(identity, protocol, overlay, cancellationToken);

    public Task<OverlayAnswer?> AskInOverlayAsync(
        string identity, NodeProtocol protocol, string overlay, CancellationToken cancellationToken) =>
        here.AskInOverlayAsync(identity, protocol, overlay, cancellationToken);

    // How long the other site has heard its network is not known here: such a node is nobody's miss.
    public Task<TimeSpan> HeardForAsync(string overlay, NodeProtocol protocol, CancellationToken cancellationToken) =>
        Task.FromResult(TimeSpan.Zero);

    private async Task<AgentAnswer> CallAsync(
        string identity, NodeProtocol protocol, AgentCall call, CancellationToken cancellationToken)
    {
        var answer = await sites.CallAsync(reception, identity, protocol, call, cancellationToken);
        return answer.Failure is { } failure ? throw failure.ToException() : answer;
    }

    private T Of<T>(T? answer)
        where T : class => answer ?? throw new NetworkUnavailableException($"{reception} answered something else");
}
