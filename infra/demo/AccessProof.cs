using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.Access;
using ControlPlane.IdentityProvider;

namespace ControlPlane.Demo;

/// <summary>Shows what roles do: says how to try them, and tries itself what the viewer and the operator may.</summary>
/// <param name="access">Who there is.</param>
/// <param name="api">The silo's API, asked as the demo itself.</param>
/// <param name="display">Where it is said.</param>
internal sealed class AccessProof(AccessStage access, HttpClient api, IDemoDisplay display)
{
    private const string Viewer = "viewer";
    private const string Operator = "operator";

    /// <summary>Signs everybody in, and says how to try what each may.</summary>
    public async Task ExplainAsync(string node, CancellationToken cancellationToken)
    {
        foreach (var user in TestUser.All)
        {
            await access.TokenOfAsync(user.Name, cancellationToken);
        }

        var url = api.BaseAddress!.ToString().TrimEnd('/');
        display.Say($"identity provider: {access.Issuer}  users {string.Join(", ", TestUser.All.Select(user => user.Name))}: the password is "
            + $"the name, the one-time code {TestUser.OneTimeCode} or nothing; policy: infra/demo/access.yaml");
        display.Say($"sign in at the console: {url}  by the command line: controlplane login --url {url}; controlplane whoami --url {url}");
        display.Say("or with the tokens that are kept, as each of them:");
        display.Say($"  curl -H \"Authorization: Bearer $(cat {access.FileOf("viewer.token")})\" {url}/v1/nodes?limit=3");
        display.Say($"  curl -X POST -H \"Authorization: Bearer $(cat {access.FileOf("viewer.token")})\" -H 'Content-Type: application/json' "
            + $"-d '{{\"reason\": \"try\"}}' {url}/v1/nodes/{node}:reprovision");
        display.Say("denied: a viewer reprovisions no node (403), an operator reprovisions with a reason, only an approver with a second factor "
            + "approves plans, and not their own; the record: controlplane audit list, as the approver");
    }

    /// <returns>What was not as the policy says.</returns>
    public async Task<IReadOnlyList<string>> FaultsAsync(string node, CancellationToken cancellationToken)
    {
        var (denied, read) = (await ReprovisionAsync(Viewer, node, cancellationToken), await ReadAsync(Viewer, cancellationToken));
        var allowed = await ReprovisionAsync(Operator, node, cancellationToken);
        var records = await RecordsAsync(node, cancellationToken);
        display.Say($"viewer: reads {(int)read}, reprovisions {node} {(int)denied}; operator: reprovisions it {(int)allowed}; "
            + $"records of it: {string.Join(", ", records.Select(record => $"{record.Who?.Principal} {record.Kind}"))}");
        return
        [
            .. read == HttpStatusCode.OK ? [] : (string[])[$"the viewer may not read: {(int)read}"],
            .. denied == HttpStatusCode.Forbidden ? [] : (string[])[$"the viewer was not denied a reprovision: {(int)denied}"],
            .. allowed == HttpStatusCode.Accepted ? [] : (string[])[$"the operator may not reprovision: {(int)allowed}"],
            .. Has(records, Viewer, AuditKind.Denied) ? [] : (string[])["no record says that the viewer was denied"],
            .. Has(records, Operator, AuditKind.Call) ? [] : (string[])["no record says what the operator asked"],
        ];
    }

    private static bool Has(IReadOnlyList<AuditRecord> records, string who, AuditKind kind) =>
        records.Any(record => record.Kind == kind && record.Who?.Principal == who);

    private async Task<HttpStatusCode> ReadAsync(string user, CancellationToken cancellationToken) =>
        await SendAsync(user, new HttpRequestMessage(HttpMethod.Get, "/v1/nodes?limit=1"), cancellationToken);

    private async Task<HttpStatusCode> ReprovisionAsync(string user, string node, CancellationToken cancellationToken) => await SendAsync(
        user,
        new HttpRequestMessage(HttpMethod.Post, $"/v1/nodes/{Uri.EscapeDataString(node)}:reprovision")
        {
            Content = JsonContent.Create(new { reason = "to see who may" }),
        },
        cancellationToken);

    private async Task<HttpStatusCode> SendAsync(string user, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using (request)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue(
                "Bearer", await File.ReadAllTextAsync(access.FileOf($"{user}.token"), cancellationToken));
            using var answer = await api.SendAsync(request, cancellationToken);
            return answer.StatusCode;
        }
    }

    private async Task<IReadOnlyList<AuditRecord>> RecordsAsync(string node, CancellationToken cancellationToken)
    {
        var page = await api.GetFromJsonAsync<Page>(
            $"/v1/audit?permission=nodes.reprovision&node={Uri.EscapeDataString(node)}", Json, cancellationToken);
        return page?.Records ?? [];
    }

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private sealed record Page(IReadOnlyList<AuditRecord> Records);
}
