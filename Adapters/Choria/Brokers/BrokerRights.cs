namespace ControlPlane.Adapters.Choria;

/// <summary>What each party may publish and subscribe to, as Choria's broker grants it.</summary>
internal static class BrokerRights
{
    private const string JetStreamApi = "$JS.API";
    private const string OtherOrganizationsApi = "choria.streams";

    /// <summary>A connection that only has a provisioning token: any node's requests, and no other node's replies.</summary>
    public static SubjectRights UnprovisionedNode { get; } = new()
    {
        PublishAllow = [ChoriaSubjects.AllLifecycle, "provisioning.reply.>", "provisioning.registration.>"],
        SubscribeAllow =
        [
            "provisioning.node.>",
            ChoriaSubjects.Broadcast(ChoriaSubjects.ProvisioningCollective, "discovery"),
            ChoriaSubjects.Broadcast(ChoriaSubjects.ProvisioningCollective, "rpcutil"),
            ChoriaSubjects.Broadcast(ChoriaSubjects.ProvisioningCollective, "choria_util"),
            ChoriaSubjects.Broadcast(ChoriaSubjects.ProvisioningCollective, "choria_provision"),
        ],
    };

    /// <summary>A certificate without a token where hosts of clients are configured.</summary>
    public static SubjectRights CertificateOfNode { get; } = new()
    {
        PublishDeny = ["*.broadcast.agent.>", "*.broadcast.service.>", "*.node.>", "choria.federation.*.federation"],
        SubscribeDeny = ["*.reply.>", "choria.federation.>", ChoriaSubjects.AllLifecycle],
    };

    private static readonly string[] FleetTraffic =
    [
        "*.broadcast.>", "*.node.>", "*.reply.>", "choria.federation.>", ChoriaSubjects.AllLifecycle, ChoriaSubjects.AllMachineEvents,
    ];

    /// <summary>A certificate without a token where organisations have issuers: all but what the fleet says.</summary>
    public static SubjectRights CertificateBesideIssuers { get; } = new() { PublishDeny = FleetTraffic, SubscribeDeny = FleetTraffic };

    private static readonly string[] StreamsUser =
    [
        "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.MSG.GET.*",
        "$JS.API.STREAM.MSG.DELETE.*", "$JS.API.DIRECT.GET.*", "$JS.API.DIRECT.GET.*.>", "$JS.API.CONSUMER.CREATE.*",
        "$JS.API.CONSUMER.CREATE.*.>", "$JS.API.CONSUMER.DURABLE.CREATE.*.*", "$JS.API.CONSUMER.DELETE.*.*", "$JS.API.CONSUMER.NAMES.*",
        "$JS.API.CONSUMER.LIST.*", "$JS.API.CONSUMER.INFO.*.*", "$JS.API.CONSUMER.MSG.NEXT.*.*", "$JS.ACK.>", "$JS.FC.>", "$KV.>", "$O.>",
    ];

    private static readonly string[] NodeStreams =
    [
        "STREAM.INFO.*", "STREAM.MSG.GET.*", "STREAM.MSG.DELETE.*", "DIRECT.GET.*", "DIRECT.GET.*.>", "CONSUMER.CREATE.*",
        "CONSUMER.CREATE.*.>", "CONSUMER.DURABLE.CREATE.*.*", "CONSUMER.INFO.*.*", "CONSUMER.MSG.NEXT.*.*",
    ];

    /// <summary>A client, by its token.</summary>
    public static SubjectRights Client(ClientClaims claims)
    {
        var granted = claims.Permissions ?? new ClientPermissions();
        if (granted.OrganizationAdmin)
        {
            return new SubjectRights { PublishAllow = [">"], SubscribeAllow = [">"] };
        }

        List<string> publish = ["$SYS.REQ.USER.INFO", .. claims.PublishSubjects ?? []];
        List<string> subscribe = [.. RepliesOf("*", claims.CallerId), .. claims.SubscribeSubjects ?? []];
        AddFleet(granted, publish, subscribe);
        AddStreams(granted, claims.Organization, publish, subscribe);
        return new SubjectRights { PublishAllow = publish, SubscribeAllow = subscribe };
    }

    /// <summary>A provisioned node, by its token.</summary>
    public static SubjectRights Node(ServerClaims claims)
    {
        if (claims.Collectives.Count == 0)
        {
            return SubjectRights.Nothing;
        }

        List<string> publish =
        [
            ChoriaSubjects.AllLifecycle, ChoriaSubjects.MachineTransitions, ChoriaSubjects.AllMachineWatchers,
            .. claims.PublishSubjects ?? [],
        ];
        List<string> subscribe = [];
        foreach (var collective in claims.Collectives)
        {
            AddCollective(collective, claims, publish, subscribe);
        }

        if (claims.Permissions.Streams)
        {
            var api = claims.Organization == TokenClaims.DefaultOrganization ? JetStreamApi : OtherOrganizationsApi;
            publish.AddRange(NodeStreams.Select(call => $"{api}.{call}"));
            publish.AddRange(["$JS.ACK.>", "$JS.FC.>"]);
            subscribe.Add($"{claims.Organization}.republish.>");
        }

        return new SubjectRights { PublishAllow = publish, SubscribeAllow = subscribe };
    }

    private static void AddFleet(ClientPermissions granted, List<string> publish, List<string> subscribe)
    {
        if (granted.FleetManagement || granted.SignedFleetManagement)
        {
            publish.AddRange(["*.broadcast.agent.>", "*.broadcast.service.>", "*.node.>", "choria.federation.*.federation"]);
        }

        if (granted.EventsViewer)
        {
            subscribe.AddRange(
                [ChoriaSubjects.AllLifecycleEvents, ChoriaSubjects.AllMachineWatchers, ChoriaSubjects.MachineTransitions]);
        }

        if (granted.ElectionUser)
        {
            publish.AddRange(["$JS.API.STREAM.INFO.KV_CHORIA_LEADER_ELECTION", "$KV.CHORIA_LEADER_ELECTION.>"]);
        }
    }

    private static void AddStreams(ClientPermissions granted, string? organization, List<string> publish, List<string> subscribe)
    {
        if (granted.StreamsAdmin)
        {
            publish.Add("$JS.>");
            subscribe.Add("$JS.EVENT.>");
        }

        if (granted.StreamsUser)
        {
            publish.AddRange(StreamsUser);
            subscribe.Add($"{organization}.republish.>");
        }

        if (granted.Governor && (granted.StreamsAdmin || granted.StreamsUser))
        {
            publish.AddRange(["*.governor.*", "choria.lifecycle.event.governor.>"]);
        }
    }

    private static void AddCollective(string collective, ServerClaims claims, List<string> publish, List<string> subscribe)
    {
        var granted = claims.Permissions;
        publish.AddRange(
            [$"{collective}.reply.>", ChoriaSubjects.Registration(collective), $"choria.federation.{collective}.collective"]);
        subscribe.AddRange([$"{collective}.broadcast.agent.>", ChoriaSubjects.Node(collective, claims.Identity)]);
        subscribe.AddRange(RepliesOf(collective, claims.Identity));
        if (granted.Submission)
        {
            publish.Add(ChoriaSubjects.AllSubmissions(collective));
        }

        if (granted.Governor && granted.Streams)
        {
            publish.Add($"{collective}.governor.*");
        }

        if (granted.ServiceHost)
        {
            subscribe.Add($"{collective}.broadcast.service.>");
        }
    }

    // Programs that may not use MD5 hash by SHA-256; which of both a caller is, its token does not say.
    private static string[] RepliesOf(string collective, string caller) =>
        [ChoriaSubjects.AllReplies(collective, caller), $"{collective}.reply.{ChoriaSubjects.CallerHash256(caller)}.>"];
}
