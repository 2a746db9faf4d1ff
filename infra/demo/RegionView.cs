using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Placement;

namespace ControlPlane.Demo;

/// <summary>The region's placement as an operator uses it, by the HTTP API.</summary>
internal sealed class RegionView(Func<HttpClient> api)
{
    private static readonly JsonSerializerOptions Json =
        new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    /// <summary>Puts a policy in force and says which.</summary>
    /// <exception cref="InvalidOperationException">It has faults.</exception>
    public async Task<string> ApplyAsync(string file, CancellationToken cancellationToken)
    {
        var text = await File.ReadAllTextAsync(file, cancellationToken);
        var verdict = await PostAsync<PolicyVerdict>("/v1/placement/policy:apply", new { text }, cancellationToken);
        return verdict.HasErrors
            ? throw new InvalidOperationException(
                string.Join("; ", verdict.Faults.Select(fault => $"{file}:{fault.Line}:{fault.Column} {fault.Message}")))
            : $"policy {file} is in force as version {verdict.Version}";
    }

    public async Task<IReadOnlyList<OverlaySnapshot>> OverlaysAsync(CancellationToken cancellationToken) =>
        (await api().GetFromJsonAsync<IReadOnlyList<OverlaySnapshot>>("/v1/overlays", Json, cancellationToken))!;

    public async Task<PlacementPlan> PlanAsync(PlanKind kind, string overlay, CancellationToken cancellationToken)
    {
        var made = await PostAsync<PlanProgress>("/v1/placement/plans", new { kind, overlay }, cancellationToken);
        return (await api().GetFromJsonAsync<PlacementPlan>($"/v1/placement/plans/{made.Id}", Json, cancellationToken))!;
    }

    public Task<PlanProgress> ApproveAsync(string plan, CancellationToken cancellationToken) =>
        PostAsync<PlanProgress>($"/v1/placement/plans/{plan}:approve", new { reason = "to see how an overlay retires" }, cancellationToken);

    public async Task<PlanProgress> ProgressAsync(string plan, CancellationToken cancellationToken) =>
        (await api().GetFromJsonAsync<IReadOnlyList<PlanProgress>>("/v1/placement/plans", Json, cancellationToken))!
            .Single(progress => progress.Id == plan);

    private async Task<T> PostAsync<T>(string path, object body, CancellationToken cancellationToken)
    {
        using var answer = await api().PostAsJsonAsync(path, body, Json, cancellationToken);
        return answer.IsSuccessStatusCode
            ? (await answer.Content.ReadFromJsonAsync<T>(Json, cancellationToken))!
            : throw new InvalidOperationException($"{path}: {await answer.Content.ReadAsStringAsync(cancellationToken)}");
    }
}
