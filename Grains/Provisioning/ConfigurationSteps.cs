using System.Collections.Immutable;
using System.Text;
using ControlPlane.Inventory;
using ControlPlane.Overlays;

namespace ControlPlane.Provisioning;

/// <summary>Decides what a node is configured with, sends it, and shows it.</summary>
/// <remarks>Stores nothing; the grain writes what a step returns. Exceptions of <see cref="INodeAgent"/> pass through.</remarks>
internal sealed class ConfigurationSteps(
    INodeAgent agent,
    INodeAttestor attestor,
    IServerTokenIssuer tokens,
    INodeLoginCheck logins,
    NodeLayersReload layers,
    EnrolmentContext context)
{
    /// <summary>What the node is to be given besides what makes it ours.</summary>
    /// <remarks>After the keys, which are stored: a layer that does not fit is mended without costing the node another.</remarks>
    public async Task<Progress> ComposeAsync(
        string identity,
        NodeState state,
        PendingCredentials pending,
        OverlayOptions overlay,
        NodeDossier? dossier,
        CancellationToken cancellationToken)
    {
        if (dossier is null && !layers.Current.IsEmpty)
        {
            dossier = await LearnAsync(identity, state, cancellationToken);
        }

        try
        {
            var draft = dossier is null ? NodeDraft.Empty : layers.Current.Fill(new NodeSubject(
                identity,
                state.Overlay ?? "",
                overlay.Labels,
                state.Protocol,
                PlaneSteps.ObjectIn(dossier.InventoryJson, "facts"),
                dossier.ClaimsJson));
            var composed = pending with
            {
                Draft = draft, Sent = new SentConfiguration { ClaimsJson = dossier?.ClaimsJson ?? "{}" },
            };
            return new Progress(state with { Pending = composed }, dossier, IsDurable: false);
        }
        catch (LayerException unfit)
        {
            return PutOff(state, $"its configuration cannot be made: {unfit.Message}");
        }
    }

    public async Task<Progress> ConfigureAsync(
        string identity, NodeState state, PendingCredentials pending, OverlayOptions overlay, CancellationToken cancellationToken)
    {
        var now = context.Now;
        var lines = NodeSettings.Lines(identity, pending, overlay, context.Options);

        // Made anew each time and never stored: one token for the same key is as good as another, and a secret not kept cannot leak.
        var token = pending.Ed25519PublicKey is { } publicKey
            ? tokens.Issue(
                new ServerTokenOrder(
                    identity,
                    publicKey,
                    NodeSettings.CollectivesIn(lines),
                    pending.OrganizationUnit ?? "choria",
                    context.Options.ServerTokenLifetime),
                now)
            : null;

        NodeConfiguration configuration;
        try
        {
            configuration = NodeSettings.Build(
                lines, pending, token?.Token ?? "", overlay, await layers.ReadSecretsAsync(lines, cancellationToken));
        }
        catch (LayerException unreadable)
        {
            return PutOff(state, $"its configuration cannot be made: {unreadable.Message}");
        }

        if (NodeSettings.Faults(configuration, overlay) is { Count: > 0 } faults)
        {
            return PutOff(state, $"its configuration for {state.Overlay} cannot be sent: {string.Join("; ", faults)}");
        }

        // After the restart it is on neither network until it is let in: what can be known of that is known before.
        if (overlay.CheckBrokers
            && await logins.FindFaultAsync(NodeSettings.LoginOf(configuration, pending), cancellationToken) is { } unfit)
        {
            return PutOff(state, $"a node that is configured for {state.Overlay} would not come back: {unfit}");
        }

        await agent.ConfigureAsync(identity, state.Protocol, configuration, cancellationToken);

        var configured = pending with
        {
            ServerTokenExpiresAt = token?.ExpiresAt,
            Sent = (pending.Sent ?? new SentConfiguration()) with
            {
                Settings = lines.ToImmutableSortedDictionary(
                    line => line.Key, line => new NodeLine(line.Value.Shown(line.Key), line.Value.Origin)),
                SslDirectory = pending.SslDirectory,
                Directory = pending.Directory,
            },
        };
        return new Progress(
            (state with { Pending = configured }).Reached(NodeStage.Configured, context.Now), Dossier: null, IsDurable: false);
    }

    /// <summary>What the node would be given if it enrolled now; asks nobody but us.</summary>
    public NodeConfigurationView View(string identity, NodeState state, NodeInventory? inventory)
    {
        var notes = layers.Faults.Select(fault => $"not in force, since the layers' files have faults: {fault}").ToList();
        if (context.OverlayOrNull(state.Overlay) is not { } overlay)
        {
            return new NodeConfigurationView(identity, state.Overlay, [], [], [.. notes, "no overlay was chosen for it yet"], false);
        }

        var sent = state.Pending?.Sent ?? state.Held?.Sent;
        var pending = (state.Pending ?? AsIfKeyed(state.Held, sent)) with { Draft = null };
        try
        {
            pending = pending with
            {
                Draft = layers.Current.Fill(new NodeSubject(
                    identity,
                    state.Overlay!,
                    overlay.Labels,
                    state.Protocol,
                    inventory is null ? "{}" : Encoding.UTF8.GetString(inventory.FactsJson.Span),
                    sent?.ClaimsJson ?? "{}")),
            };
        }
        catch (LayerException unfit)
        {
            notes.Add($"it cannot be configured: {unfit.Message}");
        }

        notes.AddRange(inventory is null && !layers.Current.IsEmpty ? ["its facts are not known"] : Array.Empty<string>());
        var lines = NodeSettings.Lines(identity, pending, overlay, context.Options);
        var was = sent?.Settings ?? NodeDraft.Empty.Settings;
        return new NodeConfigurationView(
            identity,
            state.Overlay,
            [.. lines.Keys.Union(was.Keys).Order(StringComparer.Ordinal).Select(key => new ConfigurationLine(
                key, lines.GetValueOrDefault(key)?.Shown(key), lines.GetValueOrDefault(key)?.Origin, was.GetValueOrDefault(key)?.Value))],
            [.. NodeSettings.PoliciesOf(overlay.ActionPolicies, pending.Draft?.ActionPolicies)
                .Concat(NodeSettings.PoliciesOf(overlay.OpaPolicies, pending.Draft?.OpaPolicies))
                .Select(policy => new ConfigurationLine(policy.Key, policy.Value.Value, policy.Value.Origin, Sent: null))],
            notes,
            was.Count > 0);
    }

    // A silo that takes over has the keys, and not what was learnt before them: asking again is harmless.
    private async Task<NodeDossier> LearnAsync(string identity, NodeState state, CancellationToken cancellationToken)
    {
        var reply = await agent.FetchTokenAsync(identity, state.Protocol, cancellationToken);
        return attestor.Attest(reply.Token, context.Now) is Attestation.Trusted trusted
            ? new NodeDossier(
                trusted.ClaimsJson,
                trusted.OrganizationUnit,
                await agent.FetchInventoryAsync(identity, state.Protocol, cancellationToken))
            : throw new NodeRefusedException(NodeFault.Unreadable, "its provisioning token is not valid any more");
    }

    private Progress PutOff(NodeState state, string reason)
    {
        var hold = Setback.OfPlane(state, reason, context.Options, context.Now, EnrolmentContext.Jitter);
        return new Progress(state.OnHold(hold, context.Now), Dossier: null, IsDurable: true);
    }

    // An enrolled node keeps its directories, and the kinds of its keys.
    private static PendingCredentials AsIfKeyed(HeldCredentials? held, SentConfiguration? sent) => new()
    {
        KeyedAt = default,
        SslDirectory = sent?.SslDirectory ?? "/etc/choria/ssl",
        Directory = sent?.Directory ?? "/etc/choria",
        Ed25519PublicKey = held?.Ed25519PublicKey,
        Certificate = held?.Certificate,
    };
}
