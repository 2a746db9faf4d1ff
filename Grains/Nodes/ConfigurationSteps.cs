using System.Collections.Immutable;
using System.Text;
using ControlPlane.Certificates;
using ControlPlane.Placement;

namespace ControlPlane.Nodes;

/// <summary>Decides what a node is configured with, sends it, and shows it.</summary>
/// <remarks>Stores nothing; the grain writes what a step returns. Exceptions of <see cref="INodeAgent"/> pass through.</remarks>
internal sealed class ConfigurationSteps(
    NodeAgents agents,
    INodeAttestor attestor,
    IServerTokenIssuer tokens,
    INodeLoginCheck logins,
    NodeLayersReload layers,
    IEnumerable<INodeAdvisor> helpers,
    EnrolmentContext context)
{
    /// <summary>An end that is nearer is a mistake, such as a duration in place of a date: ours is taken, as Choria does.</summary>
    private static readonly TimeSpan LifetimeMin = TimeSpan.FromHours(1);

    /// <summary>What the node is to be given besides what makes it ours: by the layers, and over them by the helper.</summary>
    /// <remarks>
    /// After the keys, which are stored: what does not fit is mended without costing the node another. If we die after the helper
    /// answered, it is asked again, and may issue another certificate; what it answered with one is written before anything else.
    /// </remarks>
    public async Task<Progress> ComposeAsync(
        string identity,
        NodeState state,
        PendingCredentials pending,
        OverlayOptions overlay,
        EnrolmentFindings? findings,
        CancellationToken cancellationToken)
    {
        var helper = helpers.FirstOrDefault();
        if (findings is null && (helper is not null || !layers.Current.IsEmpty))
        {
            findings = await LearnAsync(identity, state, cancellationToken);
        }

        var composed = pending with
        {
            Draft = NodeDraft.Empty, Sent = new SentConfiguration { ClaimsJson = findings?.ClaimsJson ?? "{}" },
        };
        if (findings is null)
        {
            return new Progress(state with { Pending = composed }, Findings: null, IsDurable: false);
        }

        try
        {
            var draft = layers.Current.Fill(new NodeSubject(
                identity,
                state.Overlay ?? "",
                overlay.Labels,
                state.Protocol,
                PlaneSteps.ObjectIn(findings.InventoryJson, "facts"),
                findings.ClaimsJson));
            composed = composed with { Draft = draft };
            var progress = helper is null
                ? new Progress(state with { Pending = composed }, Findings: null, IsDurable: false)
                : await AskHelperAsync(helper, identity, state, composed, overlay, findings, cancellationToken);
            return progress.State.Hold is null ? JudgeUpgrade(progress, findings) : progress;
        }
        catch (LayerException unfit)
        {
            return PutOff(state, $"its configuration cannot be made: {unfit.Message}");
        }
        catch (HelperFailedException failed)
        {
            context.Meter.HelperAnswered("failed");
            return PutOff(state, $"the helper failed: {failed.Message}");
        }
    }

    private async Task<Progress> AskHelperAsync(
        INodeAdvisor helper,
        string identity,
        NodeState state,
        PendingCredentials pending,
        OverlayOptions overlay,
        EnrolmentFindings findings,
        CancellationToken cancellationToken)
    {
        var answer = await helper.AskAsync(QuestionOf(identity, pending, findings), cancellationToken);
        if (answer.Defer)
        {
            context.Meter.HelperAnswered("deferred");
            var later = context.Now + (helper.DeferFor * (1 + (EnrolmentContext.Jitter / 2)));
            return OnHold(state, Setback.Deferred($"the helper defers it: {answer.Message}", later));
        }

        if (answer.Shutdown)
        {
            context.Meter.HelperAnswered("shutdown");
            await agents.Of(state).ShutDownAsync(identity, state.Protocol, overlay: null, cancellationToken);

            // It enrols again, and the helper is asked again, when somebody starts it.
            var why = $"the helper had it shut down: {answer.Message}";
            return OnHold(state, new Hold(NodeStage.Deferred, why, Until: null, Refusal: null));
        }

        if (HelperDraft.Fault(answer, identity, pending) is { } fault)
        {
            throw new HelperFailedException(fault);
        }

        context.Meter.HelperAnswered("answered");
        var issuer = context.IssuerOrNull(overlay) ?? HelperCertificates.IssuerName;
        var order = new OrderReference(issuer, $"{identity}/{state.Attempt}");
        var credentials = HelperDraft.For(pending, answer, identity, order) with
        {
            Draft = HelperDraft.Over(pending.Draft ?? NodeDraft.Empty, answer),
        };
        var keyed = state with { Pending = credentials };
        return new Progress(
            answer.Message.Length > 0 ? keyed.Noted(context.Now, $"the helper: {answer.Message}") : keyed,
            answer.PrivateKeyPem.Length > 0 ? new EnrolmentFindings("{}", "") { PrivateKeyPem = answer.PrivateKeyPem } : null,
            IsDurable: credentials.Draft.Certificate is not null);
    }

    private Progress JudgeUpgrade(Progress progress, EnrolmentFindings findings)
    {
        var (state, pending) = (progress.State, progress.State.Pending!);
        var verdict = Upgrade.Judge(
            pending.Draft?.Upgrade ?? "", findings.InventoryJson, state.UpgradeAsked, context.Options.Upgrades);
        if (verdict.Obstacle is { } obstacle)
        {
            return PutOff(state with { Pending = pending with { Draft = null } }, obstacle);
        }

        var judged = state with { Pending = pending with { Draft = pending.Draft! with { Upgrade = verdict.Version } } };
        return progress with { State = verdict.Note is { } note ? judged.Noted(context.Now, note) : judged };
    }

    /// <summary>Has the node update itself; it starts anew, is asked anew what it is, and goes on.</summary>
    public async Task<Progress> UpgradeAsync(
        string identity, NodeState state, PendingCredentials pending, EnrolmentFindings? findings, CancellationToken cancellationToken)
    {
        var draft = pending.Draft!;
        var (version, options) = (draft.Upgrade!, context.Options.Upgrades);
        var told = $"told to update itself to {version}";
        try
        {
            await agents.Of(state).UpdateAsync(identity, state.Protocol, options.Repository ?? "", version, cancellationToken);
        }
        catch (NodeSilentException)
        {
            // Fetching takes longer than its agent may: what became of it shows when it starts anew.
            told += ", which it did not answer";
        }
        catch (NodeRefusedException refused) when (refused.Fault == NodeFault.Other)
        {
            // A release that cannot be had is ours to mend; the node is as it was.
            var failed = $"it could not be updated to {version}: {refused.Message}";
            return options.Optional
                ? new Progress(
                    (state with { Pending = pending with { Draft = draft with { Upgrade = null } } }).Noted(context.Now, failed),
                    findings,
                    IsDurable: false)
                : PutOff(state with { Pending = pending with { Draft = null } }, failed);
        }

        var times = state.UpgradeAsked?.Version == version ? state.UpgradeAsked.Times : 0;
        var asked = state with { UpgradeAsked = new UpgradeAsked(version, times + 1) };
        return new Progress(
            asked.Spent(Setback.Deferred(told, context.Now + options.Deadline), context.Now), Findings: null, IsDurable: true);
    }

    private static HelperQuestion QuestionOf(string identity, PendingCredentials pending, EnrolmentFindings findings) => new()
    {
        Identity = identity,
        SigningRequest = pending.SigningRequestPem is { } request ? new SigningRequestReply(request, pending.SslDirectory ?? "") : null,
        Ed25519Key = pending.Ed25519PublicKey is { } key
            ? new Ed25519KeyReply(key, pending.Directory ?? "", pending.Ed25519Signature ?? "")
            : null,
        InventoryJson = findings.InventoryJson,
        ClaimsJson = findings.SecretClaimsJson,
    };

    public async Task<Progress> ConfigureAsync(
        string identity,
        NodeState state,
        PendingCredentials pending,
        IssuedCertificate? certificate,
        OverlayOptions overlay,
        EnrolmentFindings? findings,
        CancellationToken cancellationToken)
    {
        var now = context.Now;
        if (pending.Certificate is not null && certificate is null)
        {
            return Spend(state, $"its certificate {pending.Certificate.SerialNumber} was revoked before it was sent");
        }

        if (pending.Draft is { IsKeyGiven: true } && findings is not { PrivateKeyPem.Length: > 0 })
        {
            return Spend(state, "the key that the helper made was lost with a silo");
        }

        var lines = NodeSettings.Lines(identity, pending, overlay, context.Options);

        // Made anew each time and never stored: one token for the same key is as good as another, and a secret not kept cannot leak.
        var token = pending.Ed25519PublicKey is { } publicKey
            ? tokens.Issue(TokenOrder(identity, publicKey, pending, NodeSettings.CollectivesIn(lines), now), now)
            : null;

        NodeConfiguration configuration;
        try
        {
            configuration = NodeSettings.Build(
                lines, pending, certificate, token?.Token ?? "", overlay, await layers.ReadSecretsAsync(lines, cancellationToken)) with
            {
                PrivateKeyPem = findings?.PrivateKeyPem ?? "",
            };
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

        await agents.Of(state).ConfigureAsync(identity, state.Protocol, configuration, cancellationToken);

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
            (state with { Pending = configured }).Reached(NodeStage.Configured, context.Now), Findings: null, IsDurable: false);
    }

    private ServerTokenOrder TokenOrder(
        string identity, string publicKey, PendingCredentials pending, IReadOnlyList<string> collectives, DateTimeOffset now)
    {
        var wish = pending.Draft?.Token ?? new ServerTokenWish();
        var order = new ServerTokenOrder(
            identity,
            publicKey,
            wish.Collectives.Count > 0 ? wish.Collectives : collectives,
            wish.OrganizationUnit ?? pending.OrganizationUnit ?? "choria",
            wish.ExpiresAt is { } end && end - now > LifetimeMin ? end - now : context.Options.ServerTokenLifetime)
        {
            PublishSubjects = wish.PublishSubjects,
        };
        return wish.Rights is { } rights ? order with { Rights = rights } : order;
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
        var was = sent?.Settings ?? NodeDraft.Empty.Settings;
        if (helpers.Any())
        {
            // It is not asked: that may issue a certificate. What it said last stands for what it would say.
            notes.Add("the helper is not asked; its lines are those that it answered last");
            var draft = pending.Draft ?? NodeDraft.Empty;
            pending = pending with
            {
                Draft = draft with { Settings = draft.Settings.SetItems(was.Where(line => line.Value.Origin == HelperDraft.Origin)) },
            };
        }

        var lines = NodeSettings.Lines(identity, pending, overlay, context.Options);
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
    private async Task<EnrolmentFindings> LearnAsync(string identity, NodeState state, CancellationToken cancellationToken)
    {
        var reply = await agents.Of(state).FetchTokenAsync(identity, state.Protocol, cancellationToken);
        return attestor.Attest(reply.Token, context.Now) is Attestation.Trusted trusted
            ? EnrolmentFindings.Of(trusted) with
            {
                InventoryJson = await agents.Of(state).FetchInventoryAsync(identity, state.Protocol, cancellationToken),
            }
            : throw new NodeRefusedException(NodeFault.Unreadable, "its provisioning token is not valid any more");
    }

    private Progress Spend(NodeState state, string reason) =>
        new(state.Spent(context.OfPlane(state, reason), context.Now), Findings: null, IsDurable: true);

    private Progress PutOff(NodeState state, string reason) =>
        OnHold(state, context.OfPlane(state, reason));

    private Progress OnHold(NodeState state, Hold hold) => new(state.OnHold(hold, context.Now), Findings: null, IsDurable: true);

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
