using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Nats.Callout;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>A broker's decision as nats-server's auth callout takes it.</summary>
public static class BrokerGrant
{
    private static readonly IReadOnlyList<string> Everything = [">"];

    /// <param name="admitted">The decision.</param>
    /// <param name="name">What the server shall call the connection's user.</param>
    /// <param name="account">The account of the server's configuration, for one of <see cref="BrokerAccounts"/>.</param>
    public static UserGrant Of(BrokerVerdict.Admitted admitted, string name, string account)
    {
        ArgumentNullException.ThrowIfNull(admitted);
        return new UserGrant(account, name)
        {
            Publish = Lists(admitted.Rights.PublishAllow, admitted.Rights.PublishDeny),
            Subscribe = Lists(admitted.Rights.SubscribeAllow, admitted.Rights.SubscribeDeny),
        };
    }

    // To the server no subject that is allowed means that all are, and no list at all the account's default_permissions.
    private static SubjectLists Lists(IReadOnlyList<string>? allow, IReadOnlyList<string> deny) => allow switch
    {
        null => new SubjectLists { Allow = Everything, Deny = deny },
        [] => new SubjectLists { Deny = Everything },
        _ => new SubjectLists { Allow = allow, Deny = deny },
    };
}
