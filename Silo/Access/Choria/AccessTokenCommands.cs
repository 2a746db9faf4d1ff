using System.CommandLine;
using ControlPlane.Api;
using ControlPlane.Commands;

namespace ControlPlane.Access;

/// <summary><c>controlplane access tokens list|revoke</c>.</summary>
internal static class AccessTokenCommands
{
    private const int PageSize = 1000;

    public static Command Create() => new("tokens", "The tokens of Choria's users.") { List(), Revoke() };

    private static ClientCommand List() =>
        new("list", "Lists the tokens that have not ended.", async (call, cancellationToken) =>
        {
            var tokens = await call.Api.ListAsync<ChoriaTokenPageBody, ChoriaUserToken>(
                $"v1/access/tokens?limit={PageSize}", page => (page.Tokens, page.NextCursor), cancellationToken);
            call.Print.List(
                tokens,
                ("id", token => token.Id),
                ("principal", token => token.Principal),
                ("caller", token => token.CallerId),
                ("by", token => token.Origin),
                ("issued", token => token.IssuedAt),
                ("ends", token => token.ExpiresAt),
                ("revoked", token => token.Revocation?.At),
                ("reason", token => token.Revocation?.Reason));
        });

    private static ClientCommand Revoke()
    {
        var id = new Argument<string>("id") { Description = "The token's id, as the list has it." };
        var reason = new Option<string>("--reason") { Description = "Why, for the record.", DefaultValueFactory = _ => "by command line" };
        return new ClientCommand("revoke", "Signs for a token no more.", async (call, cancellationToken) =>
        {
            var token = await call.Api.PostAsync<ChoriaUserToken>(
                $"v1/access/tokens/{Uri.EscapeDataString(call.Arguments.GetRequiredValue(id))}:revoke",
                new ReasonBody(call.Arguments.GetRequiredValue(reason)),
                cancellationToken);
            call.Print.One(
                token,
                ("token", token.Id),
                ("principal", token.Principal),
                ("revoked", token.Revocation?.At),
                ("by", token.Revocation?.By),
                ("reason", token.Revocation?.Reason));
        })
        { id, reason };
    }
}
